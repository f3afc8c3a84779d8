import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { MAX_BODY_BYTES, readJsonBody } from './json-body.js';

const read = (...chunks: (string | Buffer)[]): Promise<unknown> => readJsonBody(Readable.from(chunks.map((chunk) => Buffer.from(chunk))));
const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

describe('readJsonBody', () => {
  it('reads JSON, wherever the network cuts it', async () => {
    const bytes = Buffer.from('{"a":"é✓"}');
    expect(await read(...[...bytes].map((byte) => Buffer.from([byte])))).toEqual({ a: 'é✓' });
  });

  it.each([
    ['nothing', [''], 'empty'],
    ['half an object', ['{"a":'], 'not valid JSON'],
    ['NaN', ['{"a":NaN}'], 'not valid JSON'],
    ['invalid UTF-8', [Buffer.from([0x22, 0xff, 0x22])], 'not valid UTF-8'],
    ['a surrogate in UTF-8', [Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])], 'not valid UTF-8'],
    ['nesting without end', [nested(100_000)], 'levels deep'],
  ])('refuses %s', async (_, chunks, message) => {
    await expect(read(...chunks)).rejects.toMatchObject({
      code: 'invalid_request',
      httpStatus: 400,
      message: expect.stringContaining(message) as string,
    });
  });

  it('takes the depth that requests need', async () => {
    await expect(read(nested(30))).resolves.toBeDefined();
  });

  it('refuses a body above the limit after reading it all, so that the client reads the answer', async () => {
    const body = Readable.from([Buffer.alloc(MAX_BODY_BYTES), Buffer.alloc(MAX_BODY_BYTES)]);
    await expect(readJsonBody(body)).rejects.toMatchObject({ code: 'body_too_large', httpStatus: 413 });
    expect(body.readableEnded).toBe(true);
  });
});
