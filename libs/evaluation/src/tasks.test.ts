import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InvalidOptionError } from '@ringmesh/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isRight, readTasks, readText } from './tasks.js';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ringmesh-tasks-'));
});

afterEach(() => rm(folder, { recursive: true }));

async function file(content: string | Uint8Array): Promise<string> {
  const path = join(folder, 'input');
  await writeFile(path, content);
  return path;
}

const message = { role: 'user', content: '1 + 1' };
const task = { messages: [message], reply: '2' };

describe('readTasks', () => {
  it('reads one a line, and leaves out what it does not know', async () => {
    const path = await file(`${JSON.stringify({ ...task, task: 'add', answer: '2' })}\n\n${JSON.stringify(task)}\n`);
    expect(await readTasks(path, '--tasks')).toEqual([task, task]);
  });

  it.each([
    ['{', 'line 1 is not valid JSON'],
    [`${JSON.stringify(task)}\n[]`, 'line 2 must hold a JSON object'],
    [JSON.stringify({ messages: [message] }), 'reply is missing'],
    [JSON.stringify({ messages: [], reply: '2' }), 'at least one message'],
    [JSON.stringify({ messages: [{ role: 'user' }], reply: '2' }), 'messages[0].content'],
    ['\n', 'has no tasks'],
  ])('refuses %j: %s', async (content, why) => {
    const error = await readTasks(await file(content), '--tasks').catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(InvalidOptionError);
    expect((error as Error).message).toContain('--tasks: ');
    expect((error as Error).message).toContain(why);
  });
});

describe('readText', () => {
  it('reads UTF-8', async () => {
    expect(await readText(await file('é ✓'), '--text', 6)).toBe('é ✓');
  });

  it.each([
    ['', 'is empty'],
    ['1234567', 'at most 6'],
    [Uint8Array.of(0xff, 0xfe), 'is not UTF-8'],
  ])('refuses %j: %s', async (content, why) => {
    await expect(readText(await file(content), '--text', 6)).rejects.toThrow(why);
    await expect(readText(await file(content), '--text', 6)).rejects.toMatchObject({ code: 'invalid_option', field: '--text' });
  });

  it('refuses a file that is not there', () =>
    expect(readText(join(folder, 'nowhere'), '--text', 6)).rejects.toMatchObject({ code: 'invalid_option' }));
});

it.each([
  ['<think>\n1 + 1 = 2\n</think>\n\n2', true],
  ['<think>\n1 + 1 = 2\n</think>\n\n2 ', false],
  ['<think>\n1 + 1 = 3\n</think>\n\n3', false],
  ['<think>\n1 + 1 =', false],
  ['1 + 1 = 2\n</think>\n\n2', true], // the prompt opened the thinking
  ['2', true],
  ['3', false],
])('%j counts as right: %s', (text, expected) => {
  expect(isRight(text, task)).toBe(expected);
});
