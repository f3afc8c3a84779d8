import type { IncomingHttpHeaders } from 'node:http';
import { InvalidApiKeyError } from '@ringmesh/core';
import type { ApiKey } from './api-key.js';
import type { ApiKeys } from './api-keys.js';

/**
 * The key that a request came with, as OpenAI's clients send it or as Anthropic's do; null where the server has no keys.
 * @param onRefused is told the code of each refusal
 * @throws InvalidApiKeyError
 */
export function authenticate(
  headers: IncomingHttpHeaders,
  keys: ApiKeys,
  onRefused: (code: InvalidApiKeyError['code']) => void,
): ApiKey | null {
  if (!keys.areRequired) return null;
  const bearer = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '')?.[1];
  const presented = [bearer, headers['x-api-key']].filter((key) => typeof key === 'string');
  const [key] = presented.flatMap((candidate) => keys.find(candidate) ?? []);
  if (key !== undefined) return key;
  const error = new InvalidApiKeyError(
    presented.length === 0
      ? 'This server wants an API key: send it as "Authorization: Bearer KEY" or as "x-api-key: KEY"'
      : "The API key that came with the request is not one of this server's",
  );
  onRefused(error.code);
  throw error;
}
