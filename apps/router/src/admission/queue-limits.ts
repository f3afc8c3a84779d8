import { parseInteger } from '@ringmesh/core';
import type { QueueLimits } from './waiting-queue.js';

/** More than a thousand clients at once, and no more memory than 100 MB or so: 24 bytes a token. */
const DEFAULT_MAX_NUM_QUEUED_REQUESTS = 2048;
const DEFAULT_MAX_NUM_QUEUED_TOKENS = 4 * 1024 * 1024;

/** The limits of the command line; there is no queue without any. @throws InvalidOptionError */
export function parseQueueLimits(requests: string | undefined, tokens: string | undefined): QueueLimits {
  return {
    maxRequests: parseInteger('--max-num-queued-requests', requests, 1, 1_000_000) ?? DEFAULT_MAX_NUM_QUEUED_REQUESTS,
    maxTokens: parseInteger('--max-num-queued-tokens', tokens, 1, 1 << 30) ?? DEFAULT_MAX_NUM_QUEUED_TOKENS,
  };
}
