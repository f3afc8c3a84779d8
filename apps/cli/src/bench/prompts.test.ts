import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { seededRandom } from './arrivals.js';
import { drawFrom, parseRange, randomWords, readDataset, withPrefix } from './prompts.js';

let file: string;
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ringmesh-bench-'));
  file = join(directory, 'data.jsonl');
});
afterAll(() => rm(directory, { recursive: true }));

it('ranges are drawn evenly, both ends included', () => {
  expect(parseRange('--input-len', '7', 10)).toEqual({ min: 7, max: 7 });
  const random = seededRandom(1);
  const drawn = new Set(Array.from({ length: 200 }, () => drawFrom(parseRange('--input-len', '2-5', 10)!, random)));
  expect([...drawn].sort()).toEqual([2, 3, 4, 5]);
  expect(randomWords(9, random).split(' ')).toHaveLength(9);
});

it.each(['', '0', '5-2', '1-11', '-3', '1.5', 'a'])('%j is no range from 1 to 10', (text) => {
  expect(() => parseRange('--input-len', text, 10)).toThrow('--input-len: ');
});

it('a data set has texts and conversations; a prefix goes before both', async () => {
  const messages = [{ role: 'user', content: 'b' }];
  await writeFile(file, `{"prompt":"a"}\r\n\n${JSON.stringify({ messages })}\n`);
  const prompts = await readDataset(file);
  expect(prompts).toEqual([{ prompt: 'a' }, { messages }]);
  expect(prompts.map((prompt) => withPrefix('p', prompt))).toEqual([
    { prompt: 'p a' },
    { messages: [{ role: 'system', content: 'p' }, ...messages] },
  ]);
});

it.each([
  ['{"prompt":"a"}\n{', 'line 2: is not JSON'],
  ['5', 'line 1: needs one of "prompt" and "messages"'],
  ['{"prompt":"a","messages":[]}', 'line 1: needs one of'],
  ['{"prompt":5}', 'line 1: "prompt" is not a text'],
  ['{"messages":[]}', 'line 1: "messages" is not a list'],
  ['{"messages":[{"role":"user"},{}]}', 'line 1: "messages[1].role" is not a text'],
  ['\n', 'has no prompt'],
])('%j is refused', async (text, message) => {
  await writeFile(file, text);
  await expect(readDataset(file)).rejects.toThrow(message);
  await expect(readDataset(join(directory, 'none'))).rejects.toThrow('cannot be read');
});
