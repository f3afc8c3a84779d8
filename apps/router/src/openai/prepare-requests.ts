import { ContextLengthExceededError, InvalidRequestError } from '@ringmesh/core';
import type { GrammarConstraint, ThoughtLimit } from '@ringmesh/engine';
import type { ThoughtPlace } from '@ringmesh/grammar';
import { choiceSeed } from '@ringmesh/sampler';
import type { TextRequest } from '../generation/text-request.js';
import type { ServedModel } from '../served-model.js';
import { samplingParams } from './sampling.js';
import { type GenerationFields, MAX_CHOICES } from './schemas/fields.js';
import type { AnswerGrammar } from './structured-output.js';
import { tokenRules } from './token-rules.js';

/** What differs between the endpoints. */
export interface RequestKind {
  /** Id of the response; the requests of its prompts are numbered from it. */
  id: string;
  /** The field that holds the prompt, for errors. */
  promptField: string;
  /** The field that limits the answer, for errors. */
  maxTokensField: string;
  /** undefined: {@link defaultMaxTokens}, or less where less fits the context. */
  maxTokens: number | undefined;
  /** undefined: what fits the context. */
  defaultMaxTokens?: number;
  /** Alternatives to report; -1 for no log probabilities at all. */
  logprobs: number;
  /** Answers of each prompt; undefined: `n`. */
  bestOf?: number | undefined;
  /** Alternatives to report with each token of the prompt; undefined: `prompt_logprobs`. */
  promptLogprobs?: number | undefined;
  /** Report the gate's decisions. */
  returnRoutedExperts?: boolean;
  /** Of the text request, where the endpoint knows thoughts. */
  reasoning?: TextRequest['reasoning'];
  thoughtLimit?: ThoughtLimit | undefined;
  shownTokenIds?: ReadonlySet<number>;
  /** What the answer must be, after what may come before it; undefined: any text. */
  grammar?: (AnswerGrammar & { thought: ThoughtPlace }) | undefined;
}

/**
 * The engine's requests, checked against the model's vocabulary and context: all choices of the first prompt, then those of the next.
 * @throws InvalidRequestError, ContextLengthExceededError; GrammarInvalidError, GrammarTooComplexError, QueueFullError
 */
export async function prepareRequests(
  model: ServedModel,
  fields: GenerationFields,
  prompts: number[][],
  kind: RequestKind,
): Promise<TextRequest[]> {
  const stopTokenIds = fields.stop_token_ids ?? [];
  model.checkTokenIds(stopTokenIds, 'stop_token_ids');
  const shared = {
    stopTokenIds: fields.ignore_eos ? stopTokenIds : [...new Set([...model.endTokenIds, ...stopTokenIds])],
    stop: typeof fields.stop === 'string' ? [fields.stop] : (fields.stop ?? []),
    includeStop: fields.include_stop_str_in_output ?? false,
    skipSpecialTokens: fields.skip_special_tokens ?? true,
    priority: fields.priority ?? 0,
    timeoutSeconds: fields.timeout ?? undefined,
    returnRoutedExperts: kind.returnRoutedExperts ?? false,
    cacheSalt: fields.cache_salt ?? undefined,
    reasoning: kind.reasoning,
    thoughtLimit: kind.thoughtLimit,
    shownTokenIds: kind.shownTokenIds,
    constraint: kind.grammar && (await constraintOf(model, fields, kind.grammar)),
  };
  const rules = tokenRules(model, fields);
  const numChoices = choicesPerPrompt(fields, kind, prompts.length);
  return prompts.flatMap((promptIds, prompt) => {
    const maxTokens = answerLength(model.maxModelLen, promptIds.length, kind, fields.min_tokens ?? 0);
    const sampling = samplingParams(fields, model.defaults, kind.logprobs); // each prompt a seed of its own where none is given
    if (numChoices > 1 && sampling.temperature === 0) {
      throw new InvalidRequestError('n: with temperature 0 all choices are the same; leave n out or raise temperature', { field: 'n' });
    }
    return Array.from({ length: numChoices }, (_, choice) => ({
      ...shared,
      id: `${kind.id}-${prompt * numChoices + choice}`,
      promptIds,
      sampling: { ...sampling, ...rules, seed: choiceSeed(sampling.seed, choice) },
      maxTokens,
      ...(choice === 0
        ? { promptLogprobs: kind.promptLogprobs ?? fields.prompt_logprobs ?? undefined }
        : { sharesPromptWith: prompt * numChoices }),
    }));
  });
}

function choicesPerPrompt({ n }: GenerationFields, { bestOf }: RequestKind, numPrompts: number): number {
  const numChoices = bestOf ?? n ?? 1;
  if (numChoices * numPrompts <= MAX_CHOICES) return numChoices;
  const message = `${numPrompts} prompts with ${numChoices} choices each are more than ${MAX_CHOICES} answers: send fewer at once`;
  throw new InvalidRequestError(message, { field: bestOf === undefined ? 'n' : 'best_of' });
}

function constraintOf(
  model: ServedModel,
  { ignore_eos: ignoreEnd }: GenerationFields,
  { source, thought, field }: NonNullable<RequestKind['grammar']>,
): Promise<GrammarConstraint> {
  return model.grammars.constraint(source, thought, ignoreEnd === true ? [] : model.endTokenIds, field);
}

function answerLength(
  maxModelLen: number,
  promptTokens: number,
  { promptField, maxTokensField, maxTokens, defaultMaxTokens = Infinity }: RequestKind,
  minTokens: number,
): number {
  if (promptTokens === 0)
    throw new InvalidRequestError(`${promptField}: the prompt has no tokens; it needs at least one`, { field: promptField });
  if (promptTokens >= maxModelLen) {
    throw new ContextLengthExceededError(
      `${promptField}: the prompt has ${promptTokens} tokens, and the context holds ${maxModelLen}, the answer included; shorten the prompt`,
      { field: promptField },
    );
  }
  if (maxTokens !== undefined && promptTokens + maxTokens > maxModelLen) {
    throw new ContextLengthExceededError(
      `${maxTokensField}: ${maxTokens} and the prompt's ${promptTokens} tokens are more than the context of ${maxModelLen}; ` +
        `${maxModelLen - promptTokens} fit`,
      { field: maxTokensField },
    );
  }
  const most = maxTokens ?? Math.min(defaultMaxTokens, maxModelLen - promptTokens);
  if (minTokens > most) {
    throw new InvalidRequestError(
      `min_tokens: ${minTokens} are more than the answer may have, ${most}; lower it or raise ${maxTokensField}`,
      {
        field: 'min_tokens',
      },
    );
  }
  return most;
}
