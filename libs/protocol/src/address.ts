import { InvalidOptionError } from '@ringmesh/core';

export interface Address {
  host: string;
  port: number;
}

/**
 * Reads `host:port`, an IPv6 host in brackets.
 * @param option who gave it, for the error
 * @throws InvalidOptionError
 */
export function parseAddress(text: string, option: string): Address {
  const match = /^(?:\[([^\]]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65535) {
    throw new InvalidOptionError(`${option}: ${JSON.stringify(text)} is not host:port, for example 127.0.0.1:7000 or [::1]:7000`, {
      field: option,
    });
  }
  return { host: match[1] ?? match[2]!, port };
}

/** The inverse of {@link parseAddress}. */
export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Whether only this machine can reach the host. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}
