import { InvalidOptionError, JsonFields, readLimitedFile } from '@ringmesh/core';

/** A question and the reply that counts as right. */
export interface Task {
  messages: { role: string; content: string }[];
  /** What is visible of the right answer: all that follows the thinking. */
  reply: string;
}

const MAX_FILE_BYTES = 64 * 2 ** 20;
const MAX_TASKS = 100_000;
const MAX_TEXT_LENGTH = 2 ** 20;

/**
 * Reads tasks, one JSON object a line: `{"messages": [{"role", "content"}, …], "reply"}`, as libs/sample-model/eval_public.jsonl has them.
 * @param option the command-line option that names the file, for errors
 * @throws InvalidOptionError for a file that is missing, larger than 64 MiB, or malformed, naming the line
 */
export async function readTasks(path: string, option: string): Promise<Task[]> {
  const lines = (await readText(path, option, MAX_FILE_BYTES)).split('\n').entries();
  const tasks: Task[] = [];
  for (const [index, line] of lines) {
    if (line.trim() === '') continue;
    if (tasks.length === MAX_TASKS) throw new InvalidOptionError(`${option}: ${path} has more than ${MAX_TASKS} tasks`, { field: option });
    tasks.push(taskOf(line, `${option}: ${path}, line ${index + 1}`));
  }
  if (tasks.length === 0) throw new InvalidOptionError(`${option}: ${path} has no tasks; give one JSON object a line`, { field: option });
  return tasks;
}

/**
 * Reads a UTF-8 text of at most `maxBytes`.
 * @throws InvalidOptionError for one that is missing, empty, longer, or not UTF-8
 */
export async function readText(path: string, option: string, maxBytes: number): Promise<string> {
  const fail = (why: string, cause?: unknown): never => {
    throw new InvalidOptionError(`${option}: ${why}`, { field: option, cause });
  };
  const bytes = await readLimitedFile(path, maxBytes, { Missing: InvalidOptionError, Invalid: InvalidOptionError }).catch(
    (cause: unknown) => fail(cause instanceof Error ? cause.message : String(cause), cause),
  );
  const text = decode(bytes) ?? fail(`${path} is not UTF-8; convert it first`);
  return text === '' ? fail(`${path} is empty; give a file with text`) : text;
}

/** Exact match of the visible answer: what follows the thinking, or all of it where there is none, is the reply to the letter. */
export function isRight(text: string, { reply }: Task): boolean {
  return text.split('</think>').at(-1)!.trimStart() === reply;
}

/** @returns null for what is no UTF-8 */
function decode(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

function taskOf(line: string, file: string): Task {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch (cause) {
    throw new InvalidOptionError(`${file} is not valid JSON; give one JSON object a line`, { field: file, cause });
  }
  const fields = JsonFields.of(json, { file, ErrorClass: InvalidOptionError });
  const messages = fields.list('messages', 1000).map((message) => ({
    role: message.string('role', 64),
    content: message.string('content', MAX_TEXT_LENGTH),
  }));
  if (messages.length === 0) fields.fail('messages', 'must hold at least one message');
  return { messages, reply: fields.string('reply', MAX_TEXT_LENGTH) };
}
