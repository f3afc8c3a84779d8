import type { GenerationRequest } from '@ringmesh/engine';

/** A generation and how its tokens become text. */
export interface TextRequest extends GenerationRequest {
  /** The text ends before the first of these that comes up. */
  stop: string[];
  /** Leave the stop string, or the text of the stop token, at the end. */
  includeStop: boolean;
  skipSpecialTokens: boolean;
  /** Special tokens that are shown nevertheless. */
  shownTokenIds?: ReadonlySet<number> | undefined;
  /** The place, in the list of requests, of one with the same prompt that is computed first, so that this one finds it in the prefix cache. */
  sharesPromptWith?: number;
  /** Say of each token whether it belongs to a thought. */
  reasoning?: { startsInside: boolean } | undefined;
}
