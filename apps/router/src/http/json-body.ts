import type { Readable } from 'node:stream';
import { BodyTooLargeError, InvalidRequestError } from '@ringmesh/core';

/** Bytes of a request body at most. */
export const MAX_BODY_BYTES = 2 * 1024 * 1024;
/** How much of a larger body is read and dropped, so that a client that writes before it reads gets its 413 instead of a broken pipe. */
const MAX_DRAINED_BYTES = 64 * 1024 * 1024;
/** Arrays and objects within one another; the API's own requests need 5. */
const MAX_DEPTH = 32;

/**
 * Reads a JSON body.
 * @throws BodyTooLargeError above {@link MAX_BODY_BYTES}
 * @throws InvalidRequestError for an empty body, invalid UTF-8, invalid JSON and excessive nesting
 */
export async function readJsonBody(payload: Readable): Promise<unknown> {
  return parseJson(await readBytes(payload));
}

async function readBytes(payload: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of payload as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= MAX_BODY_BYTES) chunks.push(chunk);
    else if (bytes > MAX_DRAINED_BYTES) break;
  }
  if (bytes > MAX_BODY_BYTES) throw new BodyTooLargeError(`The body is larger than ${MAX_BODY_BYTES} bytes`);
  return Buffer.concat(chunks, bytes);
}

/** @throws InvalidRequestError */
export function parseJson(bytes: Buffer): unknown {
  if (bytes.length === 0) throw new InvalidRequestError('The body is empty: send a JSON object');
  let value: unknown;
  try {
    value = JSON.parse(decodeUtf8(bytes));
  } catch (cause) {
    if (cause instanceof InvalidRequestError) throw cause;
    throw new InvalidRequestError(`The body is not valid JSON: ${(cause as Error).message}`, { cause });
  }
  if (isDeeperThan(value, MAX_DEPTH)) throw new InvalidRequestError(`The body is nested more than ${MAX_DEPTH} levels deep`);
  return value;
}

function decodeUtf8(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new InvalidRequestError('The body is not valid UTF-8', { cause });
  }
}

/** Level by level instead of by recursion, which the value's own depth could overflow. */
function isDeeperThan(value: unknown, maxDepth: number): boolean {
  let level = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > maxDepth) return true;
    level = level.flatMap((node) => (isContainer(node) ? Object.values(node).filter(isContainer) : []));
  }
  return false;
}

function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
