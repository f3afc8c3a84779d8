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
  /** Say of each token whether it belongs to a thought. */
  reasoning?: { startsInside: boolean } | undefined;
}
