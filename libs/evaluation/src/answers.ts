import { setImmediate } from 'node:timers/promises';
import { EngineFailedError, InvalidOptionError, monotonicSeconds } from '@ringmesh/core';
import { Engine, type GenerationRequest } from '@ringmesh/engine';
import { type EvaluatedModel, MAX_SEQUENCES, MAX_TOKENS } from './evaluated-model.js';
import { isRight, type Task } from './tasks.js';

/** What a model made of a task. */
export interface Answer {
  promptIds: number[];
  /** Without the token that ended it. */
  answerIds: number[];
  /** Whether it reached {@link MAX_ANSWER_TOKENS}, or the end of the context. */
  isCut: boolean;
  isRight: boolean;
}

/** Tokens of an answer at most; what is longer is cut, and wrong. */
export const MAX_ANSWER_TOKENS = 512;

const GREEDY = { temperature: 0, topP: 1, topK: 0, minP: 0, seed: 0, logprobs: -1 };

/**
 * Answers tasks greedily, as many at once as fit.
 * @param option the command-line option that gave the tasks, for errors
 * @throws InvalidOptionError for a task that does not fit the context @throws EngineFailedError
 */
export async function answerTasks(
  evaluated: EvaluatedModel,
  tasks: readonly Task[],
  option: string,
  onProgress: (done: number) => void,
): Promise<Answer[]> {
  const { model, dispatcher, tokenizer, manifest } = evaluated;
  const { config } = manifest;
  const limits = { maxNumBatchedTokens: MAX_TOKENS, maxNumSeqs: MAX_SEQUENCES };
  const engine = new Engine({ model, dispatcher, vocabSize: config.vocabSize, limits, prefixCaching: true, now: monotonicSeconds });
  const endTokenIds = [...new Set([...config.eosTokenIds, ...(manifest.generationDefaults.eosTokenIds ?? [])])];
  const prompts = tasks.map((task, index) => promptOf(evaluated, task, `${option}: task ${index + 1}`));
  const outputs: number[][] = prompts.map(() => []);
  for (const [index, promptIds] of prompts.entries()) {
    const maxNewTokens = Math.min(MAX_ANSWER_TOKENS, config.maxPositionEmbeddings - promptIds.length);
    engine.submit(requestOf(index, promptIds, maxNewTokens, endTokenIds), monotonicSeconds());
  }
  let done = 0;
  while (engine.hasWork) {
    for (const { id, event } of engine.step().events) {
      if (event.type === 'failed') throw new EngineFailedError(`${option}: task ${Number(id) + 1} failed: ${event.error.message}`);
      if (event.type === 'token') outputs[Number(id)]!.push(event.tokenId);
      if (event.type === 'finished') onProgress(++done);
    }
    await setImmediate(); // lets signals and the news of threads through
  }
  return prompts.map((promptIds, index) => {
    const output = outputs[index]!;
    const isCut = !endTokenIds.includes(output.at(-1)!);
    const answerIds = isCut ? output : output.slice(0, -1);
    return { promptIds, answerIds, isCut, isRight: isRight(tokenizer.decode(answerIds, { skipSpecialTokens: true }), tasks[index]!) };
  });
}

function promptOf({ tokenizer, chatTemplate, manifest }: EvaluatedModel, { messages }: Task, field: string): number[] {
  const ids = tokenizer.encode(chatTemplate.render(messages, { addGenerationPrompt: true }));
  const { maxPositionEmbeddings } = manifest.config;
  if (ids.length < maxPositionEmbeddings) return ids;
  throw new InvalidOptionError(`${field} has ${ids.length} tokens, the model's context ${maxPositionEmbeddings}: shorten it`, { field });
}

function requestOf(index: number, promptIds: number[], maxTokens: number, stopTokenIds: number[]): GenerationRequest {
  return { id: String(index), promptIds, sampling: GREEDY, maxTokens, stopTokenIds };
}
