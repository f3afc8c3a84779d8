import { EngineFailedError, RingmeshError } from '@ringmesh/core';

/** Errors of ours as they are; anything else, which is a defect, as one of ours that says in one line what failed and where. */
export function engineError(what: string, cause: unknown): RingmeshError {
  if (cause instanceof RingmeshError) return cause;
  const where = cause instanceof Error ? (cause.stack ?? cause.message).split('\n', 2).join('') : String(cause);
  return new EngineFailedError(`${what}: ${where}`, { cause });
}
