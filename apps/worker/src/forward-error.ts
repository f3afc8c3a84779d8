import { InvalidRequestError } from '@ringmesh/core';
import { ForwardStatus } from '@ringmesh/protocol';

/** Why a request is answered without partial sums. */
export class ForwardError extends Error {
  constructor(
    readonly status: ForwardStatus,
    message: string,
  ) {
    super(message);
  }
}

export function statusOf(error: unknown): ForwardStatus {
  if (error instanceof ForwardError) return error.status;
  return error instanceof InvalidRequestError ? ForwardStatus.STATUS_INVALID_REQUEST : ForwardStatus.STATUS_FAILED;
}
