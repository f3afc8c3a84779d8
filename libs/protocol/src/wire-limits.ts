import type { ChannelShape } from './channel-layout.js';

const HEADER_BYTES = 8192;
/** A 32-bit varint, with its tag where the encoder does not pack. */
const VARINT_BYTES = 6;
const WEIGHT_BYTES = 5;

/** Bytes of the largest ForwardRequest of this shape, whoever encoded it. */
export function maxRequestBytes(shape: ChannelShape): number {
  const maxRows = shape.maxTokens * shape.expertsPerToken;
  return (
    HEADER_BYTES +
    (2 * shape.numExperts + maxRows + shape.numShards) * VARINT_BYTES +
    maxRows * WEIGHT_BYTES +
    shape.maxTokens * shape.hiddenSize * Float32Array.BYTES_PER_ELEMENT
  );
}

/** Bytes of the largest ForwardReply of this shape. */
export function maxReplyBytes(shape: ChannelShape): number {
  const maxPartials = shape.maxTokens * Math.min(shape.expertsPerToken, shape.numShards);
  return HEADER_BYTES + maxPartials * shape.hiddenSize * Float32Array.BYTES_PER_ELEMENT;
}
