import type { PromptLogprobs } from '@ringmesh/engine';
import type { TextEvent, TextToken } from '../../generation/generate-text.js';
import type { Indexed } from '../../generation/merge.js';
import { completionLogprobs, promptLogprobs, type TokenWriter } from '../logprobs.js';
import type { Completion, CompletionChoice, Usage } from '../schemas/responses.js';
import type { TextChoice } from '../text-choice.js';
import { type StreamUsage, usage } from '../usage.js';
import { bestChoices } from './best-choices.js';
import { promptTokens as tokensOfPrompt } from './echo.js';

/** What the response of one completions request says besides the generated text. */
export interface CompletionResponseOptions extends StreamUsage {
  id: string;
  created: number;
  model: string;
  prompts: number[][];
  /** That are sent, of each prompt. */
  numChoices: number;
  /** That are generated, of each prompt; as many as choices in a stream. */
  numAnswers: number;
  /** The texts of the prompts, where choices begin with them. */
  echo: string[] | null;
  logprobs: boolean;
  promptLogprobs: boolean;
  returnTokenIds: boolean;
  writer: TokenWriter;
}

/** The response of a completions request that does not stream. */
export function completion(answers: TextChoice[], options: CompletionResponseOptions): Completion {
  const { id, created, model, prompts, numChoices, numAnswers, echo, logprobs, returnTokenIds, writer } = options;
  const firstAnswers = prompts.map((_, prompt) => answers[prompt * numAnswers]!); // the others find what these have computed
  return {
    id,
    object: 'text_completion',
    created,
    model,
    choices: bestChoices(answers, numAnswers, numChoices).map(({ index, text, tokens, finished }) => {
      const prompt = Math.floor(index / numChoices);
      const promptIds = prompts[prompt]!;
      const scores = firstAnswers[prompt]!.promptLogprobs;
      const logged = echo === null ? tokens : [...tokensOfPrompt(promptIds, scores), ...tokens];
      return {
        index,
        text: (echo?.[prompt] ?? '') + text,
        logprobs: logprobs ? completionLogprobs(logged, writer, 0) : null,
        finish_reason: finished.reason,
        stop_reason: finished.stopReason,
        ...(returnTokenIds ? { prompt_token_ids: promptIds, token_ids: tokens.map((token) => token.tokenId) } : {}),
        ...(options.promptLogprobs && scores !== undefined ? { prompt_logprobs: promptLogprobs(scores, writer) } : {}),
        ...routedExperts(tokens),
      };
    }),
    usage: usage({
      promptTokens: sum(prompts.map((prompt) => prompt.length)),
      cachedTokens: sum(firstAnswers.map(({ cachedTokens }) => cachedTokens)),
      completionTokens: sum(answers.map(({ tokens }) => tokens.length)),
    }),
  };
}

/**
 * The chunks of a completions request that streams, choices interleaved as they come: a chunk for each token that brings text or was asked
 * for in itself, then the finish reason, of each choice; the usage over all of them where it was asked for.
 */
export async function* completionChunks(
  events: AsyncGenerator<Indexed<TextEvent>, void>,
  options: CompletionResponseOptions,
): AsyncGenerator<Completion, void> {
  const { id, created, model, prompts, numChoices, echo, logprobs, returnTokenIds, includeUsage, continuousUsage, writer } = options;
  const counts = Array<number>(prompts.length * numChoices).fill(0); // tokens of each choice
  const promptTokens = sum(prompts.map((prompt) => prompt.length));
  let cachedTokens = 0;
  const usageSoFar = (): Usage => usage({ promptTokens, cachedTokens, completionTokens: sum(counts) });
  const chunk = (...choices: CompletionChoice[]): Completion => ({
    id,
    object: 'text_completion',
    created,
    model,
    choices,
    ...(includeUsage ? { usage: continuousUsage ? usageSoFar() : null } : {}),
  });

  const textOffsets = counts.map(() => 0);
  const scores: PromptLogprobs[] = []; // of each prompt, before the first token of its first choice
  const hasBegun = counts.map(() => false);
  for await (const { index, value } of events) {
    const prompt = Math.floor(index / numChoices);
    if (value.type === 'started' && index % numChoices === 0) cachedTokens += value.cachedTokens;
    if (value.type === 'prompt') scores[prompt] = value.logprobs;
    if (value.type === 'started' || value.type === 'prompt') continue;
    const choice = { index, text: value.text, logprobs: null, finish_reason: null, stop_reason: null };
    const isFirst = !hasBegun[index];
    hasBegun[index] = true;
    if (isFirst && echo !== null) {
      const entries = logprobs ? completionLogprobs(tokensOfPrompt(prompts[prompt]!, scores[prompt]), writer, 0) : null;
      textOffsets[index] = entries?.tokens.join('').length ?? 0;
      yield chunk({ ...choice, text: echo[prompt]!, logprobs: entries });
    }
    if (value.type === 'finished') {
      yield chunk({
        ...choice,
        finish_reason: value.reason,
        stop_reason: value.stopReason,
        ...(returnTokenIds ? { token_ids: [] } : {}),
      });
      continue;
    }
    counts[index]!++;
    const entries = logprobs ? completionLogprobs([value], writer, textOffsets[index]!) : null;
    textOffsets[index]! += entries?.tokens[0]!.length ?? 0;
    if (value.text === '' && !logprobs && !returnTokenIds && value.routedExperts === undefined) continue;
    yield chunk({
      ...choice,
      logprobs: entries,
      ...(returnTokenIds && isFirst ? { prompt_token_ids: prompts[prompt]! } : {}),
      ...(returnTokenIds ? { token_ids: [value.tokenId] } : {}),
      ...routedExperts([value]),
    });
  }
  if (includeUsage) yield { ...chunk(), usage: usageSoFar() };
}

/** The gate's decisions, where the request asked for them. */
function routedExperts(tokens: TextToken[]): Pick<CompletionChoice, 'routed_experts'> {
  const reported = tokens.flatMap((token) => token.routedExperts ?? []);
  return reported.length === 0 ? {} : { routed_experts: reported };
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
