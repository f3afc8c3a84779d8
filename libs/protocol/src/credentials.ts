import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { InvalidOptionError } from '@ringmesh/core';
import { type ChannelCredentials, credentials, ServerCredentials } from '@grpc/grpc-js';
import { isLoopback } from './address.js';

/** PEM files of mutual TLS: both sides show a certificate that `ca` signed. */
export interface TlsFiles {
  ca: string;
  cert: string;
  key: string;
}

/** How the expert plane is protected: mutual TLS, or plain text, which beyond this machine has to be asked for. */
export interface TransportSecurity {
  tls?: TlsFiles | undefined;
  /** Plain text to and from other machines too: for networks that encrypt by themselves. */
  allowInsecure?: boolean | undefined;
}

/**
 * The three options of mutual TLS: all of them or none.
 * @throws InvalidOptionError naming the one that is missing
 */
export function tlsFilesFromOptions(options: { tlsCa?: string; tlsCert?: string; tlsKey?: string }): TlsFiles | undefined {
  const { tlsCa: ca, tlsCert: cert, tlsKey: key } = options;
  if (ca === undefined && cert === undefined && key === undefined) return undefined;
  if (ca !== undefined && cert !== undefined && key !== undefined) return { ca, cert, key };
  const missing = ca === undefined ? '--tls-ca' : cert === undefined ? '--tls-cert' : '--tls-key';
  throw new InvalidOptionError(`${missing} is missing: mutual TLS takes --tls-ca, --tls-cert and --tls-key together`, { field: missing });
}

/**
 * For a worker that listens on `host`.
 * @throws InvalidOptionError for plain text beyond this machine, and for certificates that cannot be read
 */
export function serverCredentials(host: string, { tls, allowInsecure = false }: TransportSecurity): ServerCredentials {
  if (tls !== undefined) {
    const { ca, cert, key } = readTlsFiles(tls);
    return ServerCredentials.createSsl(ca, [{ cert_chain: cert, private_key: key }], true);
  }
  if (!allowInsecure && !isLoopback(host)) throw plainTextRefused('--listen', host);
  return ServerCredentials.createInsecure();
}

/**
 * For a router that connects to `host`.
 * @throws InvalidOptionError as {@link serverCredentials}
 */
export function channelCredentials(host: string, { tls, allowInsecure = false }: TransportSecurity): ChannelCredentials {
  if (tls !== undefined) {
    const { ca, cert, key } = readTlsFiles(tls);
    return credentials.createSsl(ca, key, cert);
  }
  if (!allowInsecure && !isLoopback(host)) throw plainTextRefused('--workers', host);
  return credentials.createInsecure();
}

function readTlsFiles(files: TlsFiles): Record<keyof TlsFiles, Buffer> {
  const pem = { ca: readPem('--tls-ca', files.ca), cert: readPem('--tls-cert', files.cert), key: readPem('--tls-key', files.key) };
  try {
    createSecureContext(pem);
  } catch (cause) {
    const problem = `${files.cert} and ${files.key} cannot be used together: ${messageOf(cause)}`;
    throw new InvalidOptionError(`--tls-cert, --tls-key: ${problem}`, { field: '--tls-cert', cause });
  }
  return pem;
}

function readPem(option: string, path: string): Buffer {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    throw new InvalidOptionError(`${option}: cannot read ${path}: ${messageOf(cause)}`, { field: option, cause });
  }
  if (!bytes.includes('-----BEGIN ')) throw new InvalidOptionError(`${option}: ${path} is not a PEM file`, { field: option });
  return bytes;
}

function plainTextRefused(option: string, host: string): InvalidOptionError {
  return new InvalidOptionError(
    `${option}: ${host} is not this machine, and hidden states would cross the network in plain text; give --tls-ca, --tls-cert and ` +
      '--tls-key, or --allow-insecure where the network encrypts by itself',
    { field: option },
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
