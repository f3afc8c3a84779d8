import { mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '@ringmesh/testing';
import OpenAI, { AuthenticationError, RateLimitError } from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MODEL, QUESTION, startTestRouter, type TestRouter } from './test-router.js';

const LABELS = `model_name="${MODEL}",engine="0"`;
const RUNNING = `vllm:num_requests_running{${LABELS}}`;
const waiting = (reason: string): string => `vllm:num_requests_waiting_by_reason{${LABELS},reason="${reason}"}`;
const refused = (code: string): string => `ringmesh:requests_refused_total{code="${code}"}`;
/** A request that goes on until it is left. */
const LONG = { model: MODEL, prompt: 'a', max_tokens: 900, ignore_eos: true };
const SHORT = { model: MODEL, prompt: 'a', max_tokens: 1, ignore_eos: true };

const untilMetric = (router: TestRouter, series: string, value: number): Promise<number> =>
  until(
    () => router.metric(series),
    (seen) => seen === value,
  );

/** A request that was sent and is left when the test is done with it. */
class Open {
  private readonly controller = new AbortController();
  private readonly answer: Promise<unknown>;

  constructor(client: OpenAI, request: OpenAI.CompletionCreateParamsNonStreaming = LONG) {
    this.answer = client.completions.create(request, { signal: this.controller.signal }).catch((error: unknown) => error);
  }

  async leave(): Promise<void> {
    this.controller.abort();
    expect(await this.answer).toBeInstanceOf(OpenAI.APIUserAbortError);
  }
}

describe('a queue that is full', () => {
  let router: TestRouter;
  beforeAll(async () => (router = await startTestRouter({ maxNumSeqs: '1', maxNumQueuedRequests: '2', maxNumQueuedTokens: '40' })));
  afterAll(() => router.close());

  async function busy(...more: OpenAI.CompletionCreateParamsNonStreaming[]): Promise<AsyncDisposable> {
    const open = [new Open(router.client)];
    await untilMetric(router, RUNNING, 1);
    for (const [index, request] of more.entries()) {
      open.push(new Open(router.client, request));
      await untilMetric(router, waiting('capacity'), index + 1);
    }
    return {
      [Symbol.asyncDispose]: async () => {
        await Promise.all(open.map((one) => one.leave()));
        await untilMetric(router, RUNNING, 0);
      },
    };
  }

  it('answers 429 at once, in OpenAI’s shape, streams too', async () => {
    const before = await router.metric(refused('queue_full'));
    await using _ = await busy(LONG, LONG);
    for (const stream of [false, true]) {
      const answer = await router.post('/v1/completions', { ...SHORT, stream });
      expect(answer.status).toBe(429);
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
      expect(await answer.json()).toEqual({
        error: { type: 'rate_limit_error', code: 'queue_full', param: null, message: expect.stringContaining('2 requests') as string },
      });
    }
    const chat = router.client.chat.completions.create({ model: MODEL, messages: QUESTION });
    await expect(chat).rejects.toBeInstanceOf(RateLimitError);
    expect(await router.metric(refused('queue_full'))).toBe(before + 3);
  });

  it('is full by tokens, too', async () => {
    await using _ = await busy({ ...LONG, prompt: Array<number>(30).fill(1) });
    expect(await router.metric('ringmesh:waiting_prompt_tokens')).toBe(30);
    const answer = await router.post('/v1/completions', { ...SHORT, prompt: Array<number>(11).fill(1) });
    expect(answer.status).toBe(429);
    await answer.text();
  });

  it('takes what is more than the limits where nobody waits', async () => {
    const { choices } = await router.client.completions.create({ ...SHORT, prompt: Array<number[]>(4).fill(Array<number>(30).fill(1)) });
    expect(choices).toHaveLength(4);
    expect(await router.metric(waiting('capacity'))).toBe(0);
  });

  it('is waited for by the openai client as long as Retry-After says', async () => {
    const calls: { time: number; status: number; retryAfter: number }[] = [];
    const open = await busy(LONG, LONG);
    const client = new OpenAI({
      baseURL: `${router.url}/v1`,
      apiKey: 'none',
      maxRetries: 2,
      fetch: async (...args) => {
        const time = performance.now();
        const answer = await fetch(...args);
        calls.push({ time, status: answer.status, retryAfter: Number(answer.headers.get('retry-after')) });
        if (answer.status === 429) await open[Symbol.asyncDispose](); // there is room by the time it comes back
        return answer;
      },
    });
    const { choices } = await client.completions.create(SHORT);
    expect(choices[0]!.finish_reason).toBe('length');
    expect(calls.map(({ status }) => status)).toEqual([429, 200]);
    expect(calls[1]!.time - calls[0]!.time).toBeGreaterThanOrEqual(1000 * calls[0]!.retryAfter - 1);
  });
});

describe('a server with API keys', () => {
  let router: TestRouter;
  let dir: string;
  const KEYS = [
    { name: 'one', key: 'sk-one', maxNumSeqs: 1, maxQueuedRequests: 1 },
    { name: 'slow', key: 'sk-slow', requestsPerMinute: 1 },
    { name: 'short', key: 'sk-short', tokensPerMinute: 3 },
  ];
  /** Makes the file of keys a link to another, as Kubernetes does. */
  const mount = async (file: string, keys: object[]): Promise<void> => {
    await writeFile(join(dir, file), JSON.stringify(keys));
    await symlink(file, join(dir, 'new'));
    await rename(join(dir, 'new'), join(dir, 'keys.json'));
  };
  const clientOf = (apiKey: string): OpenAI => new OpenAI({ baseURL: `${router.url}/v1`, apiKey, maxRetries: 0 });
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'ringmesh-keys-'));
    await mount('first.json', KEYS);
    router = await startTestRouter(
      { apiKey: ['sk-free'], apiKeysFile: join(dir, 'keys.json'), metricsPort: '0' },
      { apiKeysIntervalMs: 20 },
    );
  });
  afterAll(async () => {
    await router.close();
    await rm(dir, { recursive: true });
  });

  it('answers 401 without a right one, whatever the route', async () => {
    const before = await router.metric(refused('invalid_api_key'));
    await expect(clientOf('sk-wrong').completions.create(SHORT)).rejects.toBeInstanceOf(AuthenticationError);
    const paths = ['/v1/models', '/docs', '/openapi.json', '/version', '/metrics', '/none', '/tokenize'];
    for (const path of paths) {
      const answer = await fetch(router.url + path, { headers: { 'x-request-id': 'trace-42' } });
      expect([path, answer.status, answer.headers.get('www-authenticate'), answer.headers.get('x-request-id')]).toEqual([
        path,
        401,
        'Bearer realm="ringmesh"',
        'trace-42',
      ]);
      expect(await answer.json()).toMatchObject({ error: { type: 'invalid_request_error', code: 'invalid_api_key', param: null } });
    }
    expect(await router.metric(refused('invalid_api_key'))).toBe(before + paths.length + 1);
  });

  it('asks for none where machines look', async () => {
    for (const path of ['/health', '/ready']) expect((await fetch(router.url + path)).status).toBe(200);
  });

  it('does not read a body that came without one', async () => {
    const answer = await router.post('/v1/completions', '{ no JSON');
    expect(answer.status).toBe(401);
    await answer.text();
  });

  it('takes a right one, as OpenAI’s or as Anthropic’s clients send it', async () => {
    const { choices } = await clientOf('sk-free').completions.create(SHORT);
    expect(choices).toHaveLength(1);
    const models = await fetch(`${router.url}/v1/models/${MODEL}`, { headers: { 'x-api-key': 'sk-one' } });
    expect(await models.json()).toMatchObject({ id: MODEL, object: 'model' });
  });

  it('runs as many sequences of a key as it may, and refuses what would wait beside them', async () => {
    const client = clientOf('sk-one');
    const open = [new Open(client)];
    await untilMetric(router, RUNNING, 1);
    const headers = { authorization: 'Bearer sk-one' };
    const late = await router.post('/v1/completions', { ...SHORT, timeout: 0.01 }, headers);
    expect(late.status).toBe(504);
    expect(await late.json()).toMatchObject({ error: { code: 'deadline_exceeded', param: 'timeout' } });
    open.push(new Open(client));
    await untilMetric(router, waiting('deferred'), 1);
    await expect(client.completions.create(SHORT)).rejects.toMatchObject({ status: 429, code: 'queue_full' });
    expect((await clientOf('sk-free').completions.create(SHORT)).choices).toHaveLength(1);
    expect(await router.metric(waiting('deferred'))).toBe(1);
    await open[0]!.leave();
    await untilMetric(router, waiting('deferred'), 0);
    await open[1]!.leave();
    await untilMetric(router, waiting('capacity'), 0); // the server has heard of it
    expect((await client.completions.create(SHORT)).choices).toHaveLength(1);
  });

  it('holds a key to its requests and tokens a minute', async () => {
    for (const apiKey of ['sk-slow', 'sk-short']) {
      const client = clientOf(apiKey);
      await client.completions.create({ ...SHORT, max_tokens: 5 });
      const error = await client.completions.create(SHORT).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(RateLimitError);
      expect(error).toMatchObject({ code: 'rate_limit_exceeded' });
      const seconds = Number((error as RateLimitError).headers.get('retry-after'));
      expect(seconds).toBeGreaterThan(50);
      expect(seconds).toBeLessThanOrEqual(60);
    }
  });

  it('takes the keys of a file that has changed, while requests run', async () => {
    const [one, slow] = KEYS;
    const running = await clientOf('sk-one').completions.create({ ...LONG, stream: true });
    const events = running[Symbol.asyncIterator]();
    await events.next();
    await mount('second.json', [
      { ...slow, requestsPerMinute: 1000 },
      { name: 'new', key: 'sk-new' },
    ]);
    const isIn = async (apiKey: string): Promise<boolean> => {
      const { status } = await fetch(`${router.url}/v1/models`, { headers: { authorization: `Bearer ${apiKey}` } });
      return status === 200;
    };
    await until(() => isIn('sk-new'), Boolean);
    await expect(clientOf('sk-one').completions.create(SHORT)).rejects.toBeInstanceOf(AuthenticationError);
    expect((await events.next()).done).toBe(false);
    await events.return!();
    // It has used up its one a minute; now there is another soon.
    const askAgain = (): Promise<unknown> =>
      clientOf('sk-slow')
        .completions.create(SHORT)
        .catch(() => null);
    await until(askAgain, (answer) => answer !== null);
    await mount('third.json', [one!]);
    await until(() => isIn('sk-one'), Boolean);
    expect(await isIn('sk-new')).toBe(false);
  });
});

describe('metrics on a port of their own', () => {
  let router: TestRouter;
  beforeAll(async () => (router = await startTestRouter({ metricsPort: '0' })));
  afterAll(() => router.close());

  it('are there, with health and readiness, and not in the API', async () => {
    expect(router.metricsUrl).not.toBe(router.url);
    expect(await router.metric(RUNNING)).toBe(0);
    for (const path of ['/health', '/ready']) expect((await fetch(router.metricsUrl + path)).status).toBe(200);
    expect((await fetch(`${router.url}/metrics`)).status).toBe(404);
    expect((await fetch(`${router.metricsUrl}/v1/models`)).status).toBe(404);
  });

  it('names the port where something else listens there', async () => {
    const { port } = new URL(router.metricsUrl);
    await expect(startTestRouter({ metricsPort: port })).rejects.toMatchObject({ code: 'listen_failed', field: '--metrics-port' });
  });
});
