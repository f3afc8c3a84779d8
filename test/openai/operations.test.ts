import { spawnSync } from 'node:child_process';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { uniform } from '@ringmesh/sampler';
import { until } from '@ringmesh/testing';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { collect, MODEL, QUESTION, startTestRouter, type TestRouter } from './test-router.js';

const RUNNING = `vllm:num_requests_running{model_name="${MODEL}",engine="0"}`;
const WAITING = `vllm:num_requests_waiting{model_name="${MODEL}",engine="0"}`;
const finished = (reason: string): string => `vllm:request_success_total{model_name="${MODEL}",engine="0",finished_reason="${reason}"}`;
const ID = { 'x-request-id': 'trace-42' };
/** A request that goes on for as long as the context allows. */
const LONG = { model: MODEL, prompt: 'a', max_tokens: 1000, ignore_eos: true };

let router: TestRouter;
beforeAll(async () => (router = await startTestRouter()));
afterAll(() => router.close());

const untilRunning = (count: number): Promise<number> =>
  until(
    () => router.metric(RUNNING),
    (running) => running === count,
  );

/** Tokens that the engine has computed and no response has taken. */
async function tokensBehind(): Promise<number> {
  const computed = await router.metric(`vllm:iteration_tokens_total_sum{model_name="${MODEL}",engine="0"}`);
  return computed - (await router.metric(`vllm:generation_tokens_total{model_name="${MODEL}",engine="0"}`));
}

describe('a client that leaves', () => {
  it('in a stream frees its sequence at once', async () => {
    const aborted = await router.metric(finished('abort'));
    const stream = await router.client.completions.create({ ...LONG, stream: true });
    for await (const chunk of stream) {
      expect(chunk.choices).toHaveLength(1);
      break; // which closes the connection
    }
    await untilRunning(0);
    expect(await router.metric(finished('abort'))).toBe(aborted + 1);
    expect(await router.metric(`vllm:kv_cache_usage_perc{model_name="${MODEL}",engine="0"}`)).toBe(0);
  });

  it('before its whole answer frees its sequences too', async () => {
    const aborted = await router.metric(finished('abort'));
    const controller = new AbortController();
    const answer = router.client.completions.create({ ...LONG, prompt: ['a', 'b'] }, { signal: controller.signal });
    await untilRunning(2);
    controller.abort();
    await expect(answer).rejects.toThrow('abort');
    await untilRunning(0);
    expect(await router.metric(finished('abort'))).toBe(aborted + 2);
  });

  it('may also never read: the stream waits for it and ends with it', async () => {
    const aborted = await router.metric(finished('abort'));
    const prompts = Array.from({ length: 16 }, () => 'a');
    const behind = await tokensBehind();
    const socket = connect(Number(new URL(router.url).port), '127.0.0.1');
    const body = JSON.stringify({ ...LONG, prompt: prompts, logprobs: 20, stream: true });
    socket.pause();
    socket.write(
      `POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    await until(tokensBehind, (count) => count - behind > 20 * prompts.length); // the socket's buffers are full
    expect(await router.metric(RUNNING)).toBe(prompts.length);
    socket.destroy();
    await untilRunning(0);
    expect(await router.metric(finished('abort'))).toBe(aborted + prompts.length);
  });

  it('at any moment leaves nothing behind, two hundred of them at once', async () => {
    const aborted = await router.metric(finished('abort'));
    const left = await Promise.all(
      Array.from({ length: 200 }, async (_, client) => {
        const random = (what: number): number => uniform(client, what);
        const prompt = Array.from({ length: 1 + Math.floor(random(0) * 200) }, (_, position) => (client * position) % 512);
        const controller = new AbortController();
        const request = router.client.completions.create({ ...LONG, prompt, max_tokens: 800, stream: true }, { signal: controller.signal });
        // Some leave before the answer begins, the others after any number of its tokens.
        if (random(1) < 0.2) queueMicrotask(() => controller.abort());
        let tokens = Math.floor(random(2) * 40);
        try {
          for await (const _ of await request) if (tokens-- === 0) controller.abort();
        } catch (error) {
          expect(error).toBeInstanceOf(OpenAI.APIUserAbortError);
        }
        return controller.signal.aborted;
      }),
    );
    expect(left).not.toContain(false);
    const unfinished = async (): Promise<number> => (await router.metric(RUNNING)) + (await router.metric(WAITING));
    await until(unfinished, (count) => count === 0);
    expect(await router.metric(`vllm:kv_cache_usage_perc{model_name="${MODEL}",engine="0"}`)).toBe(0);
    const heardOf = (await router.metric(finished('abort'))) - aborted; // who left at once may not have been heard of
    expect(heardOf).toBeGreaterThan(150);
    expect(heardOf).toBeLessThanOrEqual(200);
  });
});

describe('health and readiness', () => {
  it('tell a living server from one that can answer', async () => {
    expect(await (await fetch(`${router.url}/health`)).json()).toEqual({ status: 'alive' });
    const ready = await fetch(`${router.url}/ready`);
    expect(ready.status).toBe(200);
    expect(await ready.json()).toMatchObject({ status: 'ready', missing_shards: [] });
  });

  it('say which shards are missing when a worker is not there, and requests are refused until it is', async () => {
    const nobody = await unusedAddress();
    const lonely = await startTestRouter({ workers: nobody }, { waitUntilReady: false });
    try {
      expect((await fetch(`${lonely.url}/health`)).status).toBe(200);
      const details = await until(
        async () => {
          const ready = await fetch(`${lonely.url}/ready`);
          expect(ready.status).toBe(503);
          return (await ready.json()) as { missing_shards: number[]; details: string[] };
        },
        ({ details }) => details.includes('model: loaded') && details.some((line) => line.includes('unreachable')),
      );
      expect(details.missing_shards).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
      expect(details.details.join()).toContain(nobody);
      for (const stream of [false, true]) {
        const answer = await lonely.post('/v1/chat/completions', { messages: QUESTION, stream });
        expect(answer.status).toBe(503);
        expect(await answer.json()).toMatchObject({ error: { type: 'server_error', code: 'not_ready' } });
      }
      expect(await lonely.metric(`ringmesh:worker_up{worker="${nobody}"}`)).toBe(0);
    } finally {
      await lonely.close();
    }
  });
});

describe('metrics', () => {
  it('count requests, tokens and times', async () => {
    const labels = `{model_name="${MODEL}",engine="0"}`;
    const before = await router.metric(`vllm:generation_tokens_total${labels}`);
    const { usage } = await router.client.chat.completions.create({ model: MODEL, messages: QUESTION, max_completion_tokens: 7 });
    expect(usage!.completion_tokens).toBe(7);
    expect(await router.metric(`vllm:generation_tokens_total${labels}`)).toBe(before + 7);
    expect(await router.metric(`vllm:time_to_first_token_seconds_count${labels}`)).toBeGreaterThan(0);
    expect(await router.metric('http_requests_total{handler="/v1/chat/completions",method="POST",status="2xx"}')).toBeGreaterThan(0);
    expect(await router.metric('ringmesh:dispatch_tokens_total{layer_group="0-0",shard="0"}')).toBeGreaterThan(0);
    expect(await router.metric('ringmesh:dispatch_latency_seconds_count{worker="local-0"}')).toBeGreaterThan(0);
    expect(await router.metric('ringmesh:worker_up{worker="local-0"}')).toBe(1);
    expect(await router.metric('ringmesh:http_event_loop_delay_seconds_count')).toBeGreaterThan(0);
  });

  it('are accepted by promtool, but for the colons that vLLM put into the names', async ({ skip }) => {
    const scrape = await (await fetch(`${router.url}/metrics`)).text();
    const { status, stderr, error } = spawnSync('promtool', ['check', 'metrics'], { input: scrape, encoding: 'utf8' });
    if (error !== undefined) skip('promtool is not installed (Debian: apt install prometheus): /metrics was NOT checked');
    expect(status, stderr).not.toBe(1); // 1: not Prometheus' format; 3: a name is unusual
    const complaints = stderr.split('\n').filter((line) => line !== '' && !line.endsWith(" metric names should not contain ':'"));
    expect(complaints).toEqual(['vllm:iteration_tokens_total non-counter metrics should not have "_total" suffix']);
  });
});

describe('the server', () => {
  it('echoes a sane X-Request-Id and makes one otherwise', async () => {
    const idFor = async (id: string): Promise<string | null> =>
      (await fetch(`${router.url}/health`, { headers: { 'x-request-id': id } })).headers.get('x-request-id');
    expect(await idFor('trace-42')).toBe('trace-42');
    for (const id of ['a b', '', 'x'.repeat(129)]) expect(await idFor(id)).toMatch(/^[\da-f-]{36}$/);
  });

  it.each<[what: string, status: number, ask: () => Promise<Response>]>([
    ['an answer', 200, () => router.post('/v1/completions', { ...LONG, max_tokens: 1 }, ID)],
    ['a stream', 200, () => router.post('/v1/completions', { ...LONG, max_tokens: 1, stream: true }, ID)],
    ['a field that is wrong', 400, () => router.post('/v1/completions', { prompt: 5 }, ID)],
    ['a body that is no JSON', 400, () => router.post('/v1/completions', '{', ID)],
    ['a path that does not exist', 404, () => fetch(`${router.url}/none`, { headers: ID })],
    ['a path that is malformed', 400, () => fetch(`${router.url}/v1/models/%zz`, { headers: ID })],
  ])('sends the X-Request-Id along with %s', async (_, status, ask) => {
    const answer = await ask();
    expect([answer.status, answer.headers.get('x-request-id')]).toEqual([status, ID['x-request-id']]);
    await answer.text();
  });

  it('says its version', async () => {
    expect(await (await fetch(`${router.url}/version`)).json()).toEqual({ version: expect.stringMatching(/^\d+\.\d+\.\d+$/) as string });
  });

  it('tells the usage so far in every chunk where that is asked for', async () => {
    const stream_options = { include_usage: true, continuous_usage_stats: true };
    const request = { model: MODEL, prompt: ['a', 'b'], max_tokens: 3, ignore_eos: true, return_token_ids: true, stream: true as const };
    const completion = await collect(await router.client.completions.create({ ...request, stream_options }));
    const counts = completion.map(({ usage }) => usage!.completion_tokens);
    expect(counts).toEqual(counts.toSorted((a, b) => a - b));
    expect([counts[0], counts.at(-1), completion.at(-1)!.choices]).toEqual([1, 6, []]);
    const chat = await collect(
      await router.client.chat.completions.create({
        model: MODEL,
        messages: QUESTION,
        max_completion_tokens: 5,
        stream: true,
        stream_options,
      }),
    );
    expect(chat[0]!.usage).toMatchObject({ completion_tokens: 0, prompt_tokens: chat.at(-1)!.usage!.prompt_tokens });
    expect(chat.every(({ usage }) => usage!.total_tokens === usage!.prompt_tokens + usage!.completion_tokens)).toBe(true);
    expect(chat.at(-1)!.usage!.completion_tokens).toBe(5);
  });

  it('documents itself', async () => {
    expect((await fetch(`${router.url}/docs`)).status).toBe(200);
    const { paths } = (await (await fetch(`${router.url}/openapi.json`)).json()) as { paths: Record<string, object> };
    for (const path of [
      '/v1/chat/completions',
      '/v1/completions',
      '/v1/responses',
      '/v1/responses/{id}',
      '/v1/messages',
      '/v1/models',
      '/tokenize',
      '/detokenize',
      '/health',
      '/ready',
      '/metrics',
      '/version',
      '/v1/models/{id}',
    ]) {
      expect(Object.keys(paths)).toContain(path);
    }
    expect(JSON.stringify(paths['/v1/chat/completions'])).toContain('"max_completion_tokens"');
  });

  it('names what already listens at its address', async () => {
    const port = new URL(router.url).port;
    await expect(startTestRouter({ port })).rejects.toMatchObject({
      code: 'listen_failed',
      message: expect.stringContaining(port) as string,
    });
  });

  it('lets running streams finish when it closes, and refuses new requests meanwhile', async () => {
    const closing = await startTestRouter();
    const stream = await closing.client.completions.create({ ...LONG, max_tokens: 300, stream: true });
    const chunks = stream[Symbol.asyncIterator]();
    await chunks.next();
    const closed = closing.close();
    const refused = await closing.post('/v1/completions', LONG);
    expect([refused.status, refused.headers.get('retry-after'), refused.headers.get('connection')]).toEqual([503, '1', 'close']);
    expect(await refused.json()).toMatchObject({ error: { code: 'shutting_down' } });
    expect((await fetch(`${closing.url}/ready`)).status).toBe(503);
    const rest = [];
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) rest.push(next.value);
    expect(rest.at(-1)!.choices[0]!.finish_reason).toBe('length');
    await closed;
    await expect(fetch(`${closing.url}/health`)).rejects.toThrow();
  });

  it('ends running streams with an error event when the shutdown timeout is over', async () => {
    const closing = await startTestRouter({ shutdownTimeout: '0' });
    const answer = await closing.post('/v1/completions', { ...LONG, stream: true });
    const [text] = await Promise.all([answer.text(), closing.close()]);
    const events = text.trim().split('\n\n');
    expect(JSON.parse(events.at(-1)!.slice('data: '.length))).toMatchObject({ error: { code: 'shutting_down' } });
  });
});

/** An address that nobody listens on: one that was just given up. */
async function unusedAddress(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `127.0.0.1:${port}`;
}
