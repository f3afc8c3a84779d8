import { TRACE_WORDS } from '@ringmesh/core';

/** The largest exchange a channel must hold. */
export interface ChannelShape {
  /** H */
  hiddenSize: number;
  /** T: rows of one micro-batch at most. */
  maxTokens: number;
  /** Experts of one layer. */
  numExperts: number;
  /** k of the gate's top-k. */
  expertsPerToken: number;
  numShards: number;
}

export const MAX_MESSAGE_BYTES = 1024;

/** A part of a channel's memory: where it starts (bytes) and how many 4-byte words it has. */
export interface Section {
  start: number;
  words: number;
}

const CACHE_LINE_BYTES = 64;

/** Cuts a channel's memory into its arrays, each on a cache line of its own. */
export function channelSections(shape: ChannelShape) {
  let totalBytes = 0;
  const section = (words: number): Section => {
    const start = totalBytes;
    totalBytes += Math.ceil((words * 4) / CACHE_LINE_BYTES) * CACHE_LINE_BYTES;
    return { start, words };
  };
  const maxRows = shape.maxTokens * shape.expertsPerToken;
  const sections = {
    control: section(16),
    times: section(4),
    trace: section(TRACE_WORDS),
    message: section(MAX_MESSAGE_BYTES / 4),
    experts: section(shape.numExperts),
    counts: section(shape.numExperts),
    rows: section(maxRows),
    weights: section(maxRows),
    nodes: section(shape.numShards),
    hidden: section(shape.maxTokens * shape.hiddenSize),
    partials: section(maxPartialRows(shape) * shape.hiddenSize),
  };
  return { ...sections, totalBytes };
}

/** P at most: each row has one partial sum for each shard that one of its k experts lies in. */
function maxPartialRows(shape: ChannelShape): number {
  return shape.maxTokens * Math.min(shape.expertsPerToken, shape.numShards);
}
