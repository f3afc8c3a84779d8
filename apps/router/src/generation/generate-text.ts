import { EngineFailedError } from '@ringmesh/core';
import type { EngineClient, FinishReason, PromptLogprobs, RoutedExperts, TokenLogprob } from '@ringmesh/engine';
import { IncrementalDetokenizer, ReasoningParser, StopChecker, type Tokenizer } from '@ringmesh/tokenizer';
import type { TextRequest } from './text-request.js';

/** One generated token and the text that became final with it, which may be none or that of several tokens. */
export interface TextToken {
  type: 'token';
  text: string;
  tokenId: number;
  /** It belongs to a thought; the tags do not. Undefined where the request does not ask. */
  isReasoning?: boolean;
  logprob?: number;
  topLogprobs?: TokenLogprob[];
  routedExperts?: RoutedExperts;
}

/** The end of a text. `stopReason` is the stop string or the request's stop token that ended it; null for the end token and for `length`. */
export interface TextFinished {
  type: 'finished';
  text: string;
  reason: Exclude<FinishReason, 'abort'>;
  stopReason: string | number | null;
}

/** The engine's events with text instead of bare token ids: started, prompt where its log probabilities were asked for, token…, finished. Failures are thrown. */
export type TextEvent =
  { type: 'started'; queueSeconds: number; cachedTokens: number } | { type: 'prompt'; logprobs: PromptLogprobs } | TextToken | TextFinished;

/** What generating text needs besides the request. */
export interface TextBackend {
  engine: EngineClient;
  tokenizer: Tokenizer;
  /** The model's own end tokens. */
  endTokenIds: number[];
}

/**
 * Runs one request and turns its tokens into text. Stop strings are found here; leaving the engine's events early frees the sequence,
 * before the last event is handed on: a slow reader must not keep it.
 * @throws RingmeshError when the engine fails the request; `signal.reason` once it is aborted.
 */
export async function* generateText(
  { engine, tokenizer, endTokenIds }: TextBackend,
  request: TextRequest,
  signal: AbortSignal,
): AsyncGenerator<TextEvent, void> {
  const detokenizer = new IncrementalDetokenizer(tokenizer, request);
  const thought = request.reasoning && new ReasoningParser(request.reasoning.startsInside); // of the text before stop strings hold it back
  const stopChecker = new StopChecker(request.stop, { includeStopString: request.includeStop });
  const { minTokens = 0 } = request.sampling;
  let lastTokenId = -1;
  let numTokens = 0;
  let finished: TextFinished | undefined;

  for await (const event of engine.generate(request, signal)) {
    if (event.type === 'failed') throw event.error;
    if (event.type === 'started') {
      yield event;
    } else if (event.type === 'token') {
      lastTokenId = event.tokenId;
      const isHidden = request.stopTokenIds.includes(lastTokenId) && !request.includeStop;
      const text = isHidden ? '' : detokenizer.push(lastTokenId);
      // Of the tokens that must come nothing ends the text, so nothing of theirs is held back either.
      const { emit, stopped } = ++numTokens > minTokens ? stopChecker.push(text) : { emit: text, stopped: undefined };
      const { promptLogprobs, ...token } = event;
      if (promptLogprobs !== undefined) yield { type: 'prompt', logprobs: promptLogprobs };
      yield { ...token, text: emit, ...(thought === undefined ? {} : { isReasoning: isInside(thought, text) }) };
      if (stopped !== undefined) {
        finished = { type: 'finished', text: '', reason: 'stop', stopReason: stopped };
        break;
      }
    } else if (event.reason !== 'abort') {
      const { emit, stopped } = stopChecker.push(detokenizer.flush());
      if (stopped !== undefined) {
        finished = { type: 'finished', text: emit, reason: 'stop', stopReason: stopped };
      } else {
        const isRequestedStop = request.stopTokenIds.includes(lastTokenId) && !endTokenIds.includes(lastTokenId);
        finished = {
          type: 'finished',
          text: emit + stopChecker.flush(),
          reason: event.reason,
          stopReason: isRequestedStop ? lastTokenId : null,
        };
      }
    }
  }
  signal.throwIfAborted();
  if (finished === undefined) throw new EngineFailedError('The engine ended a request without saying how');
  yield finished;
}

/** Whether a token with this text is within the thought: the one that opens it and the one that closes it are not. */
function isInside(thought: ReasoningParser, text: string): boolean {
  const wasInside = thought.isInside;
  thought.push(text);
  return wasInside && thought.isInside;
}
