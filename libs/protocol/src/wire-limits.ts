import type { ChannelShape } from './channel-layout.js';

/** What a message of the expert plane may ask for at most: the pack's dimensions, and the rows a channel holds. */
export interface WireLimits extends ChannelShape {
  /** Layers of the model. */
  numLayers: number;
  /** The first layer that has experts. */
  firstExpertLayer: number;
}

/** Longest deadline a request may carry. */
export const MAX_TIMEOUT_MS = 600_000;

const HEADER_BYTES = 8192;
/** A 32-bit varint, with its tag where the encoder does not pack. */
const VARINT_BYTES = 6;
const WEIGHT_BYTES = 5;

/** Bytes of the largest ForwardRequest of this shape, whoever encoded it. */
export function maxRequestBytes(shape: ChannelShape): number {
  const maxRows = shape.maxTokens * shape.expertsPerToken;
  return (
    HEADER_BYTES +
    (2 * shape.numExperts + maxRows) * VARINT_BYTES +
    maxRows * WEIGHT_BYTES +
    shape.maxTokens * shape.hiddenSize * Float32Array.BYTES_PER_ELEMENT
  );
}

/** Bytes of the largest ForwardReply of this shape. */
export function maxReplyBytes(shape: ChannelShape): number {
  const maxPartials = shape.maxTokens * Math.min(shape.expertsPerToken, shape.numShards);
  return HEADER_BYTES + maxPartials * shape.hiddenSize * Float32Array.BYTES_PER_ELEMENT;
}
