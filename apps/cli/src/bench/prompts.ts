import { readFile, stat } from 'node:fs/promises';
import { InvalidOptionError } from '@ringmesh/core';

/** What one request asks: a text, or a conversation that goes to the chat endpoint as it is. */
export type Prompt = { prompt: string } | { messages: object[] };

const WORDS = 'what is the sum of one two three four five and six seven eight nine ten then take half add more'.split(' ');
const MAX_DATASET_BYTES = 256 * 2 ** 20;
const MAX_PROMPTS_OF_DATASET = 100_000;

/** Whole numbers, both ends included. */
export interface Range {
  min: number;
  max: number;
}

/** `100`, or `100-500`: uniform, both ends included. @throws InvalidOptionError */
export function parseRange(option: string, text: string | undefined, max: number): Range | undefined {
  if (text === undefined) return undefined;
  const [, first, last = first] = /^(\d{1,9})(?:-(\d{1,9}))?$/.exec(text) ?? [];
  const range = { min: Number(first), max: Number(last) };
  if (!(range.min >= 1 && range.min <= range.max && range.max <= max)) {
    throw new InvalidOptionError(`${option}: ${JSON.stringify(text)} is not a number from 1 to ${max} or a range, for example 100-500`, {
      field: option,
    });
  }
  return range;
}

export function drawFrom({ min, max }: Range, random: () => number): number {
  return min + Math.floor(random() * (max - min + 1));
}

export function randomWords(count: number, random: () => number): string {
  return Array.from({ length: count }, () => WORDS[Math.floor(random() * WORDS.length)]!).join(' ');
}

/** The prompts of a JSONL file, in order. @throws InvalidOptionError that names line and field */
export async function readDataset(file: string): Promise<Prompt[]> {
  const wrong = (what: string, cause?: unknown): InvalidOptionError =>
    new InvalidOptionError(`--dataset: ${file} ${what}`, { field: '--dataset', cause });
  let text: string;
  try {
    const { size } = await stat(file);
    if (size > MAX_DATASET_BYTES) throw wrong(`has ${size} bytes; ${MAX_DATASET_BYTES} are allowed`);
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw error instanceof InvalidOptionError ? error : wrong(`cannot be read: ${(error as Error).message}`, error);
  }
  const prompts: Prompt[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    if (prompts.length === MAX_PROMPTS_OF_DATASET) throw wrong(`has more than ${MAX_PROMPTS_OF_DATASET} prompts`);
    prompts.push(promptOf(line, (what) => wrong(`line ${index + 1}: ${what}`)));
  }
  if (prompts.length === 0) throw wrong('has no prompt');
  return prompts;
}

function promptOf(line: string, wrong: (what: string) => InvalidOptionError): Prompt {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw wrong(`is not JSON: ${(error as Error).message}`);
  }
  const { prompt, messages } = (typeof value === 'object' && value !== null ? value : {}) as { prompt?: unknown; messages?: unknown };
  if ((prompt === undefined) === (messages === undefined)) throw wrong('needs one of "prompt" and "messages"');
  if (prompt !== undefined) {
    if (typeof prompt !== 'string' || prompt === '') throw wrong('"prompt" is not a text of one character at least');
    return { prompt };
  }
  if (!Array.isArray(messages) || messages.length === 0) throw wrong('"messages" is not a list of one message at least');
  for (const [index, message] of (messages as unknown[]).entries()) {
    const { role } = (typeof message === 'object' && message !== null ? message : {}) as { role?: unknown };
    if (typeof role !== 'string') throw wrong(`"messages[${index}].role" is not a text`);
  }
  return { messages: messages as object[] };
}

/** Every prompt after the same `prefix`: a text's own start, or a system message. */
export function withPrefix(prefix: string, prompt: Prompt): Prompt {
  if (prefix === '') return prompt;
  return 'prompt' in prompt
    ? { prompt: `${prefix} ${prompt.prompt}` }
    : { messages: [{ role: 'system', content: prefix }, ...prompt.messages] };
}
