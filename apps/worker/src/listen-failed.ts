import { ListenFailedError } from '@ringmesh/core';
import { type Address, formatAddress } from '@ringmesh/protocol';

/** @param option the one that says where to listen */
export function listenFailed(option: string, address: Address, cause: Error): ListenFailedError {
  const text = `${option}: cannot listen on ${formatAddress(address)} (${cause.message}): choose another port, or 0 for any free one`;
  return new ListenFailedError(text, { field: option, cause });
}
