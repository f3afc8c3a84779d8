import { packedModel, RingmeshProcess, SAMPLE_MODEL, startRouter, until, untilReady } from '@ringmesh/testing';
import OpenAI from 'openai';
import { afterEach, describe, expect, it } from 'vitest';

/** How a router, and a cluster, end on a signal while they have work. */

const LONG = { model: 'ring-nano', prompt: Array<string>(8).fill('a'), max_tokens: 500, ignore_eos: true };
/** No machine is too slow for that. */
const PATIENT = ['--shutdown-timeout', '120'];

let running: RingmeshProcess | undefined;
afterEach(async () => {
  await running?.kill('SIGKILL');
  running = undefined;
});

async function start(...args: string[]): Promise<string> {
  const { process, address } = await startRouter(await packedModel(SAMPLE_MODEL), 'local', ['--threads', '1', ...args]);
  running = process;
  await untilReady(address);
  return address;
}

type Stream = AsyncIterator<OpenAI.Completion>;

/** A stream of eight texts, of which the first token has come. */
async function stream(url: string): Promise<Stream> {
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0 });
  const chunks = (await client.completions.create({ ...LONG, stream: true }))[Symbol.asyncIterator]();
  await chunks.next();
  return chunks;
}

/** @returns how each text ended */
async function finishReasons(chunks: Stream): Promise<string[]> {
  const reasons: string[] = [];
  for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) {
    for (const { finish_reason: reason } of next.value.choices) if ((reason as string | null) !== null) reasons.push(reason);
  }
  return reasons;
}

const untilDraining = (url: string): Promise<Response> =>
  until(
    () => fetch(`${url}/ready`),
    ({ status }) => status === 503,
  );

describe('SIGTERM', () => {
  it('lets streams end whole, sends new requests away and ends with code 0', async () => {
    const url = await start(...PATIENT);
    const chunks = await stream(url);
    const ended = running!.kill('SIGTERM');
    await untilDraining(url);
    expect((await fetch(`${url}/health`)).status).toBe(200);
    const refused = await fetch(`${url}/v1/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(LONG),
    });
    expect([refused.status, refused.headers.get('retry-after'), refused.headers.get('connection')]).toEqual([503, '1', 'close']);
    expect(await refused.json()).toMatchObject({ error: { type: 'server_error', code: 'shutting_down' } });
    expect(await finishReasons(chunks)).toEqual(Array(8).fill('length'));
    expect(await ended).toBe(0);
  });

  it('ends what is left after the timeout with an error that says so', async () => {
    const url = await start('--shutdown-timeout', '10ms');
    const chunks = await stream(url);
    const ended = running!.kill('SIGTERM');
    await expect(finishReasons(chunks)).rejects.toMatchObject({
      code: 'shutting_down',
      message: expect.stringContaining('0.01 s') as string,
    });
    expect(await ended).toBe(0);
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('followed by %s ends at once', async (second) => {
    const url = await start();
    const chunks = await stream(url);
    const cut = expect(finishReasons(chunks)).rejects.toThrow();
    void running!.kill('SIGTERM');
    await untilDraining(url);
    expect(await running!.kill(second)).toBe(second);
    await cut;
  });

  it('of "serve" ends its router first, and workers only when no stream needs them', async () => {
    running = new RingmeshProcess(['serve', '--model', SAMPLE_MODEL, '--port', '0', '--metrics-port', '0', '--workers', '2', ...PATIENT], {
      RINGMESH_API_KEY: 'sk-serve',
    });
    const url = await running.line(/serves ring-nano at (http:\S+)\/v1/);
    expect(running.output).toMatch(/metrics: http:\S+\/metrics/);
    expect((await fetch(`${url}/v1/models`)).status).toBe(401);
    const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'sk-serve', maxRetries: 0 });
    const chunks = (await client.completions.create({ ...LONG, stream: true }))[Symbol.asyncIterator]();
    await chunks.next();
    const ended = running.kill('SIGTERM');
    await untilDraining(url);
    expect(await finishReasons(chunks)).toEqual(Array(8).fill('length'));
    expect(await ended).toBe(0);
    expect(running.output).not.toContain('sk-serve');
  });
});
