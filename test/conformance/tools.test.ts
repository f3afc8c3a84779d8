import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { expect, it, vi } from 'vitest';

const setup = new URL('../../tools/setup.mjs', import.meta.url).href;

/** A server that starts a process of its own, says so, and ends with 7 a moment after the first signal, without ending that process. */
const server = `
  const { pid } = require('node:child_process').spawn('sleep', ['60']);
  process.on('SIGTERM', () => { console.log('signal'); setTimeout(() => process.exit(7), 200); });
  console.log('started ' + pid);
`;

/** A tool that runs that server in the foreground, as tools/start.mjs does. */
const tool = `
  import { main, run } from ${JSON.stringify(setup)};
  await main(async () => (await run(process.execPath, ['-e', ${JSON.stringify(server)}], { show: true })).code);
`;

/** Whether a process runs; one that has ended and waits for its parent to look does not. */
const runs = (pid: number) => existsSync(`/proc/${pid}`) && !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));

it('a tool passes a signal on once, ends as its child does, and leaves no process behind', async () => {
  const running = spawn(process.execPath, ['--input-type=module', '-e', tool], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: string[] = [];
  const exited = once(running, 'exit');
  for await (const line of createInterface(running.stdout)) {
    lines.push(line);
    if (line.startsWith('started')) running.kill('SIGTERM');
    // The terminal and npm both deliver one. A second that came through would end the server at once, as it does not listen for it.
    if (line === 'signal') running.kill('SIGINT');
  }
  expect(await exited).toEqual([7, null]);
  expect(lines.slice(1)).toEqual(['signal']);
  const grandchild = Number(lines[0]!.split(' ')[1]);
  await vi.waitFor(() => expect(runs(grandchild)).toBe(false));
});
