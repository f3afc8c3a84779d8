/** OpenAI's clients wait for no longer than this, and choose a time of their own instead. */
const MAX_RETRY_AFTER = 60;

/** What HTTP's Retry-After says of an estimate: whole seconds, from 1 to a minute. */
export function retryAfter(seconds: number): number {
  return Math.min(Math.max(Math.ceil(seconds), 1), MAX_RETRY_AFTER);
}
