import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { ALLOCATOR_ENVIRONMENT } from '@ringmesh/core';

/**
 * Runs a script in a process of its own, with the memory settings that Ringmesh's launcher gives.
 * @returns what it printed last, read as JSON
 */
export async function runForJson(script: string, args: string[]): Promise<unknown> {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const child = spawn(process.execPath, [path, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...ALLOCATOR_ENVIRONMENT },
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  if (code !== 0) throw new Error(`${script} ended with ${signal ?? `exit code ${code}`}`);
  return JSON.parse(output.trimEnd().split('\n').at(-1)!);
}
