import { ListenFailedError } from '@ringmesh/core';
import { type Address, formatAddress } from '@ringmesh/protocol';

/** @param option the one that says where to listen */
export function listenFailed(option: string, address: Address, cause: Error): ListenFailedError {
  // grpc-js wraps what the system said.
  const reason = /errors: \[(.*)\]$/.exec(cause.message)?.[1] ?? cause.message;
  const text = `${option}: cannot listen on ${formatAddress(address)} (${reason}): choose another port, or 0 for any free one`;
  return new ListenFailedError(text, { field: option, cause });
}
