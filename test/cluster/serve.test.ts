import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { packedModel, RingmeshProcess, SAMPLE_MODEL, until, untilReady } from '@ringmesh/testing';
import { afterEach, describe, expect, it } from 'vitest';

/** `ringmesh serve` as a user runs it: launcher, router and workers as processes. */

let serve: RingmeshProcess | undefined;

afterEach(async () => {
  await serve?.kill('SIGKILL');
  serve = undefined;
});

async function start(...args: string[]): Promise<string> {
  serve = new RingmeshProcess(['serve', '--model', SAMPLE_MODEL, '--port', '0', ...args]);
  return serve.line(/serves ring-nano at (http:\S+)\/v1/);
}

async function ask(url: string, question: string): Promise<string> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'ring-nano', temperature: 0, messages: [{ role: 'user', content: question }] }),
  });
  const { choices } = (await response.json()) as { choices: [{ message: { content: string | null; reasoning_content?: string } }] };
  const { content, reasoning_content: thought } = choices[0].message;
  return `${thought}\n\n${content}`;
}

/** Process ids of the cluster, by the name of what they run. */
function children(url: string): { router: number[]; worker: number[] } {
  const port = new URL(url).port;
  const lines = execFileSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8' }).split('\n');
  const rows = lines.map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line)).filter((match) => match !== null);
  const ofLauncher = rows.filter(([, , parent]) => Number(parent) === serve!.pid);
  const pids = (command: string): number[] =>
    ofLauncher.filter(([, , , args]) => args!.includes(` ${command} --pack `)).map(([, pid]) => Number(pid));
  expect(port).not.toBe('');
  return { router: pids('router'), worker: pids('worker') };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

/** Whether something accepts connections there. */
function accepts(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

describe('ringmesh serve', () => {
  it('answers a sum through a router and two workers, and Ctrl-C leaves no process behind', async () => {
    const url = await start('--workers', '2');
    expect(await ask(url, 'What is 47 + 85?')).toMatch(/47 \+ 85 = 132$/);
    const { router, worker } = children(url);
    expect(router).toHaveLength(1);
    expect(worker).toHaveLength(2);
    expect(await serve!.kill('SIGINT')).toBe(0);
    expect([...router, ...worker].filter(isAlive)).toEqual([]);
    expect(await accepts(url)).toBe(false);
  });

  it('starts a worker again that was killed, and answers as before', async () => {
    const url = await start('--workers', '2');
    const before = await ask(url, 'What is 12 + 9?');
    const [victim] = children(url).worker;
    process.kill(victim!, 'SIGKILL');
    await serve!.line(/worker \d ended unexpectedly \(SIGKILL\); starting it again/);
    await until(
      () => fetch(`${url}/ready`),
      ({ status }) => status === 503,
    );
    await untilReady(url);
    expect(await ask(url, 'What is 12 + 9?')).toBe(before);
  });

  it('takes its processes along when it is killed itself', async () => {
    const url = await start('--workers', '1');
    const { router, worker } = children(url);
    await serve!.kill('SIGKILL');
    await until(
      async () => [...router, ...worker].filter(isAlive),
      (alive) => alive.length === 0,
    );
    expect(await accepts(url)).toBe(false);
  });

  it('packs again what was damaged in the cache, after saying so, and hashes it all with --verify', async () => {
    const pack = await packedModel(SAMPLE_MODEL);
    await start('--workers', '0', '--verify');
    expect(serve!.output).toMatch(/verifying \d.* of packed weights/);
    expect(serve!.output).not.toContain('packing');
    await serve!.kill();

    const damaged = join(pack, 'router/head.bin');
    const before = await readFile(damaged);
    await writeFile(
      damaged,
      before.map((byte, index) => (index === before.length >> 1 ? byte ^ 1 : byte)),
    );
    const url = await start('--workers', '0');
    expect(serve!.output).toContain(`${damaged} has SHA-256`);
    expect(serve!.output).toContain('it is in the cache, so that is done now');
    expect(serve!.output).toContain('packing');
    expect(await readFile(damaged)).toEqual(before);
    expect(await ask(url, 'What is 47 + 85?')).toMatch(/47 \+ 85 = 132$/);
  });

  it('computes the experts in the router with --workers 0, with the same text', async () => {
    const url = await start('--workers', '0', '--quantize', 'f32');
    expect(children(url).worker).toEqual([]);
    expect(await ask(url, 'What is 47 + 85?')).toMatch(/47 \+ 85 = 132$/);
  });

  it.each([['q8'], ['q4']])('serves %s weights', async (method) => {
    const url = await start('--workers', '2', '--quantize', method);
    expect(await ask(url, 'What is 47 + 85?')).toMatch(/\w+\n\n(null|.+)$/);
  });
});
