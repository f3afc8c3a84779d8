import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { ALLOCATOR_ENVIRONMENT } from '@ringmesh/core';

/** Starts a script beside this file in a process of its own, with the memory settings that Ringmesh's launcher gives. */
export function startScript(script: string, args: string[]): ChildProcessByStdio<null, Readable, null> {
  const path = fileURLToPath(new URL(script, import.meta.url));
  return spawn(process.execPath, [path, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...ALLOCATOR_ENVIRONMENT },
  });
}

/** Runs such a script to its end. @returns what it printed last, read as JSON */
export async function runForJson(script: string, args: string[]): Promise<unknown> {
  const child = startScript(script, args);
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  if (code !== 0) throw new Error(`${script} ended with ${signal ?? `exit code ${code}`}`);
  return JSON.parse(output.trimEnd().split('\n').at(-1)!);
}
