import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InvalidOptionError } from '@ringmesh/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiKeys, hashOf } from './api-keys.js';
import { authenticate } from './authenticate.js';
import { readApiKeys } from './read-api-keys.js';

let dir: string;
beforeAll(async () => (dir = await mkdtemp(join(tmpdir(), 'ringmesh-keys-'))));
afterAll(() => rm(dir, { recursive: true }));

const SECRET = 'sk-secret';
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** The keys of a file with this text, or this JSON. */
async function read(content: unknown, apiKeys: string[] = []): Promise<ApiKeys> {
  const apiKeysFile = join(dir, 'keys.json');
  await writeFile(apiKeysFile, typeof content === 'string' ? content : JSON.stringify(content));
  return readApiKeys({ apiKeys, apiKeysFile });
}

describe('API keys', () => {
  it('are those of the command line and those of the file, as they are or as hashes', async () => {
    const limits = { maxNumSeqs: 1, maxQueuedRequests: 2, requestsPerMinute: 3, tokensPerMinute: 4 };
    const keys = await read(
      [
        { name: 'plain', key: 'sk-plain', ...limits },
        { name: 'hashed', keySha256: sha256('sk-hashed') },
      ],
      ['sk-cli', 'sk-cli-2'],
    );
    expect(keys.find('sk-plain')).toMatchObject({ name: 'plain', limits });
    expect(keys.find('sk-hashed')).toMatchObject({ name: 'hashed', limits: {} });
    expect(keys.find('sk-cli-2')).toMatchObject({ name: 'api-key-2', limits: {} });
    for (const wrong of ['', 'sk-plai', 'sk-plain ', sha256('sk-hashed')]) expect(keys.find(wrong)).toBeNull();
    expect(JSON.stringify(keys.find('sk-plain'))).not.toContain('sk-plain');
  });

  it.each<[what: string, content: unknown, says: string]>([
    ['no JSON', `[{"name": "a", "key": "${SECRET}"`, 'not valid JSON'],
    ['a key without quotes', `[{"name": "a", "key": ${SECRET}}]`, 'not valid JSON'],
    ['an object', { [SECRET]: 'a' }, 'the list of keys'],
    ['no keys', [], 'the list of keys'],
    ['keys alone', [SECRET], '0: '],
    ['a field that does not exist', [{ name: 'a', key: 'b', [SECRET]: 1 }], '0: Unknown field'],
    ['no name', [{ key: SECRET }], '0.name'],
    ['a name that would break a line', [{ name: 'a\nb', key: SECRET }], '0.name'],
    ['a key that no header can carry', [{ name: 'a', key: `${SECRET}\n` }], '0.key'],
    ['neither key nor hash', [{ name: 'a' }], 'either'],
    ['key and hash', [{ name: 'a', key: SECRET, keySha256: sha256(SECRET) }], 'either'],
    ['a key for a hash', [{ name: 'a', keySha256: SECRET }], '0.keySha256'],
    ['a limit of 0', [{ name: 'a', key: SECRET, maxNumSeqs: 0 }], '0.maxNumSeqs'],
    ['a limit as text', [{ name: 'a', key: SECRET, tokensPerMinute: SECRET }], '0.tokensPerMinute'],
    ['more than 1024', Array.from({ length: 1025 }, (_, index) => ({ name: `n${index}`, key: `${SECRET}${index}` })), '1024'],
    ['the same name twice', [1, 2].map((index) => ({ name: 'a', key: `${SECRET}${index}` })), 'named a'],
    ['the same key twice', ['a', 'b'].map((name) => ({ name, key: SECRET })), 'b and a'],
  ])('are refused without repeating one: %s', async (_, content, says) => {
    const error = await read(content).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(InvalidOptionError);
    const { message, cause } = error as Error;
    expect(message).toContain(says);
    expect(message).not.toContain(SECRET);
    expect(cause).toBeUndefined();
  });

  it('names a file that is not there', async () => {
    await expect(readApiKeys({ apiKeys: [], apiKeysFile: join(dir, 'none.json') })).rejects.toMatchObject({
      code: 'invalid_option',
      message: expect.stringContaining('none.json') as string,
    });
  });
});

describe('authenticate', () => {
  const keys = new ApiKeys([{ name: 'a', sha256: hashOf('sk-a'), limits: {} }]);

  it.each([
    ["OpenAI's header", { authorization: 'Bearer sk-a' }],
    ['the scheme in any case', { authorization: 'bearer sk-a' }],
    ["Anthropic's header", { 'x-api-key': 'sk-a' }],
    ['either of both', { authorization: 'Basic dTpw', 'x-api-key': 'sk-a' }],
    ['the right one of both', { authorization: 'Bearer none', 'x-api-key': 'sk-a' }],
  ])('takes %s', (_, headers) => {
    expect(authenticate(headers, keys, () => undefined)).toMatchObject({ name: 'a' });
  });

  it.each([
    ['no key', {}, 'wants'],
    ['another scheme', { authorization: 'Basic sk-a' }, 'wants'],
    ['no scheme', { authorization: 'sk-a' }, 'wants'],
    ['a wrong key', { authorization: 'Bearer sk-b' }, 'not one'],
    ['an empty key', { 'x-api-key': '' }, 'not one'],
  ])('refuses %s, and tells who counts', (_, headers, says) => {
    const refused: string[] = [];
    expect(() => authenticate(headers, keys, (code) => refused.push(code))).toThrow(
      expect.objectContaining({ code: 'invalid_api_key', httpStatus: 401, message: expect.stringContaining(says) as string }),
    );
    expect(refused).toEqual(['invalid_api_key']);
  });

  it('lets all in where there are no keys', () => {
    expect(authenticate({}, new ApiKeys([]), () => undefined)).toBeNull();
  });
});
