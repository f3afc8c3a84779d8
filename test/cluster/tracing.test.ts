import { OtlpReceiver, type OtlpSpan, packedModel, RingmeshProcess, SAMPLE_MODEL, until, untilReady } from '@ringmesh/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const CALLER = '00f067aa0ba902b7';
const TRACEPARENT = `00-${TRACE_ID}-${CALLER}-01`;
const MAX_TOKENS = 5;
/** Clocks of two processes of one machine, read at their start. */
const CLOCKS_NS = 2_000_000n;
/** Tells on stderr of each module of OpenTelemetry that any thread of a process loads, but for its types and no-ops, which prom-client loads. */
const TELL_LOADS = [
  `import{registerHooks}from'node:module';`,
  `registerHooks({load(u,c,n){if(/@opentelemetry.(?!api.)/.test(u))process.stderr.write('loaded:'+u+'\\n');return(n(u,c))}})`,
].join('');
const LOADS = { NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(TELL_LOADS)}` };

let collector: OtlpReceiver;
let url: string;
const processes: RingmeshProcess[] = [];

beforeAll(async () => {
  collector = await OtlpReceiver.start();
  url = await startCluster(['--otlp-traces-endpoint', collector.url]);
});
afterAll(async () => {
  await stopAll();
  await collector.close();
});

describe('a request that is traced', () => {
  let spans: OtlpSpan[];
  let answeredMs: number;

  beforeAll(async () => {
    const askedAt = performance.now();
    const answer = await chat(url, { traceparent: TRACEPARENT, 'x-request-id': 'asked-42' });
    answeredMs = performance.now() - askedAt;
    expect(answer.status).toBe(200);
    await answer.json();
    spans = await traceOf(TRACE_ID);
  });

  const named = (name: string): OtlpSpan[] => spans.filter((span) => span.name === name);
  const childrenOf = ({ spanId }: OtlpSpan): OtlpSpan[] => spans.filter(({ parentSpanId }) => parentSpanId === spanId);

  it('is one tree, from the span of who asked down to the workers', () => {
    const [request] = named('POST /v1/chat/completions');
    expect(request).toMatchObject({ service: 'ringmesh-router', parentSpanId: CALLER, kind: 2 });
    expect(request!.attributes).toMatchObject({
      'http.request.method': 'POST',
      'http.route': '/v1/chat/completions',
      'http.response.status_code': 200,
      'ringmesh.request_id': 'asked-42',
    });
    const ids = new Set(spans.map(({ spanId }) => spanId));
    expect(ids.size).toBe(spans.length);
    expect(spans.filter(({ parentSpanId }) => !ids.has(parentSpanId))).toEqual([request]);
    expect(childrenOf(request!).map(({ name }) => name)).toEqual(['llm_request']);
    expect(new Set(childrenOf(named('llm_request')[0]!).map(({ name }) => name))).toEqual(new Set(['queue', 'prefill', 'decode']));
  });

  it('has a step for each token, and in it for each layer and worker a dispatch with what the worker did', () => {
    expect(childrenOf(named('prefill')[0]!).map(({ name }) => name)).toEqual(['prefill step']);
    const steps = childrenOf(named('decode')[0]!);
    expect(steps.map(({ name }) => name)).toEqual(Array.from({ length: MAX_TOKENS - 1 }, () => 'decode step'));
    const workers = new Set(named('dispatch').map(({ attributes }) => attributes['ringmesh.worker']));
    expect(workers.size).toBe(2);
    for (const step of [...named('prefill step'), ...steps]) {
      const dispatches = childrenOf(step);
      expect(new Set(dispatches.map(({ name, kind }) => `${name} ${kind}`))).toEqual(new Set(['dispatch 3']));
      const layers = new Set(dispatches.map(({ attributes }) => attributes['ringmesh.layer']));
      expect(dispatches.length).toBeGreaterThanOrEqual(layers.size);
      for (const dispatch of dispatches) {
        const [forward, ...others] = childrenOf(dispatch);
        expect(others).toEqual([]);
        expect(forward).toMatchObject({ service: 'ringmesh-worker', name: 'Forward', kind: 2, status: 0 });
        for (const key of ['ringmesh.layer', 'ringmesh.rows']) expect(forward!.attributes[key]).toBe(dispatch.attributes[key]);
        expect(childrenOf(forward!).map(({ name }) => name)).toEqual(['compute']);
      }
    }
  });

  it('has times that nest and add up', () => {
    const byId = new Map(spans.map((span) => [span.spanId, span]));
    for (const span of spans) {
      expect(span.end, span.name).toBeGreaterThanOrEqual(span.start);
      const parent = byId.get(span.parentSpanId);
      if (parent === undefined) continue;
      const slack = parent.service === span.service ? 0n : CLOCKS_NS;
      expect(span.start + slack, `${span.name} in ${parent.name}`).toBeGreaterThanOrEqual(parent.start);
      expect(span.end - slack, `${span.name} in ${parent.name}`).toBeLessThanOrEqual(parent.end);
    }
    const [request, queue, prefill, decode] = ['llm_request', 'queue', 'prefill', 'decode'].map((name) => named(name)[0]!);
    expect([queue!.start, queue!.end, prefill!.end]).toEqual([request!.start, prefill!.start, decode!.start]);
    const seconds = ({ start, end }: OtlpSpan): number => Number(end - start) / 1e9;
    expect(seconds(request!)).toBeLessThan(answeredMs / 1000);
    for (const [name, span] of [
      ['e2e', request!],
      ['time_in_queue', queue!],
      ['time_in_model_prefill', prefill!],
      ['time_in_model_decode', decode!],
    ] as const) {
      expect(request!.attributes[`gen_ai.latency.${name}`], name).toBeCloseTo(seconds(span), 5);
    }
    const ttft = request!.attributes['gen_ai.latency.time_to_first_token'] as number;
    expect(ttft).toBeGreaterThanOrEqual(seconds(queue!) + seconds(prefill!) - 1e-5);
    expect(ttft).toBeLessThan(seconds(request!));
    // Steps follow one another, and the phase is theirs from end to end.
    const steps = childrenOf(decode!).sort((a, b) => Number(a.start - b.start));
    for (const [index, step] of steps.entries()) expect(step.start).toBeGreaterThanOrEqual(steps[index - 1]?.end ?? decode!.start);
    expect(steps.at(-1)!.end).toBe(decode!.end);
  });

  it("says what was asked and generated, under vLLM's names and those of the conventions", () => {
    expect(named('llm_request')[0]!.attributes).toMatchObject({
      'gen_ai.operation.name': 'chat',
      'gen_ai.request.id': expect.stringMatching(/^chatcmpl-/) as string,
      'gen_ai.request.max_tokens': MAX_TOKENS,
      'gen_ai.request.temperature': 0,
      'gen_ai.usage.completion_tokens': MAX_TOKENS,
      'gen_ai.usage.output_tokens': MAX_TOKENS,
      'gen_ai.response.finish_reasons': ['length'],
    });
  });
});

describe('what is traced', () => {
  it('is decided by who asks, where they do', async () => {
    const unsampled = 'a'.repeat(32);
    await (await chat(url, { traceparent: `00-${unsampled}-${CALLER}-00` })).json();
    const malformed = await chat(url, { traceparent: `00-${'b'.repeat(32)}-xyz` });
    expect(malformed.status).toBe(200);
    const { id } = (await malformed.json()) as { id: string };
    const isIt = ({ attributes }: OtlpSpan): boolean => attributes['gen_ai.request.id'] === `${id}-0`;
    await until(async () => collector.spans.some(isIt), Boolean);
    expect(collector.spans.find(isIt)!.traceId).not.toBe('b'.repeat(32));
    expect(collector.spans.filter(({ traceId }) => traceId === unsampled)).toEqual([]);
  });

  it('is linked, where two requests are computed in one step, to the one that tells what was dispatched', async () => {
    const body = { prompt: ['a', 'b'], max_tokens: 3, ignore_eos: true };
    const traceId = 'c'.repeat(32);
    await (await post(`${url}/v1/completions`, body, { traceparent: `00-${traceId}-${CALLER}-01` })).json();
    const spans = await traceOf(traceId);
    expect(spans.filter(({ name }) => name === 'llm_request')).toHaveLength(2);
    const steps = spans.filter(({ name }) => name === 'decode step');
    const linked = steps.filter(({ links }) => links.length > 0);
    expect(linked.length).toBeGreaterThan(0);
    for (const { spanId, links, start } of linked) {
      expect(spans.some(({ parentSpanId }) => parentSpanId === spanId)).toBe(false);
      expect(steps.find((step) => step.spanId === links[0])!.start).toBe(start);
    }
  });

  it('is also a request whose client leaves, down to the last step', async () => {
    const traceId = 'e'.repeat(32);
    const body = { prompt: 'a', max_tokens: 1000, ignore_eos: true, stream: true };
    const answer = await post(`${url}/v1/completions`, body, { traceparent: `00-${traceId}-${CALLER}-01` });
    const reader = answer.body!.getReader();
    expect((await reader.read()).done).toBe(false);
    await reader.cancel(); // which closes the connection
    const spans = await traceOf(traceId);
    expect(spans.find(({ name }) => name === 'llm_request')!.attributes['gen_ai.response.finish_reasons']).toEqual(['abort']);
    const ids = new Set(spans.map(({ spanId }) => spanId));
    expect(spans.filter(({ parentSpanId }) => !ids.has(parentSpanId)).map(({ name }) => name)).toEqual(['POST /v1/completions']);
  });

  it('is also a request that is refused', async () => {
    const traceId = 'd'.repeat(32);
    expect((await post(`${url}/v1/completions`, { prompt: 5 }, { traceparent: `00-${traceId}-${CALLER}-01` })).status).toBe(400);
    const isIt = (span: OtlpSpan): boolean => span.traceId === traceId;
    await until(async () => collector.spans.some(isIt), Boolean);
    expect(collector.spans.filter(isIt)).toMatchObject([{ attributes: { 'http.response.status_code': 400 } }]);
  });
});

it('a collector that refuses costs spans, one warning, and nothing else', async () => {
  const router = processes.at(-1)!;
  const spansBefore = collector.spans.length;
  collector.status = 400;
  for (const round of [1, 2]) {
    const failed = await outcome('failed');
    expect((await chat(url)).status, `round ${round}`).toBe(200);
    await until(
      () => outcome('failed'),
      (count) => count > failed,
    );
  }
  expect(router.output.match(/traces cannot be sent/g)).toHaveLength(1);
  expect(collector.spans.length).toBe(spansBefore);
  collector.status = 200;
  const exported = await outcome('exported');
  await chat(url);
  await until(
    () => outcome('exported'),
    (count) => count > exported,
  );
});

it('without the option no part of OpenTelemetry is loaded, and nobody is told', async () => {
  const requests = collector.requests;
  const before = processes.length;
  const quiet = await startCluster([], LOADS);
  expect((await chat(quiet, { traceparent: TRACEPARENT })).status).toBe(200);
  const own = processes.slice(before);
  for (const process of own) expect(process.output).not.toContain('loaded:');
  expect(await (await fetch(`${quiet}/metrics`)).text()).not.toContain('trace_spans');
  await Promise.all(own.map((process) => process.kill()));
  expect(collector.requests).toBe(requests);

  // The same look finds them where there is an endpoint, from the environment this time.
  const loud = await startCluster([], { ...LOADS, OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_TRACES_SAMPLER: 'always_off' });
  expect((await chat(loud, { traceparent: TRACEPARENT })).status).toBe(200);
  for (const process of processes.slice(before + own.length)) await process.line(/^loaded:.*@opentelemetry/m);
  expect(collector.requests).toBe(requests);
});

/** A router over two workers, with the same options. */
async function startCluster(args: string[], environment: Record<string, string> = {}): Promise<string> {
  const pack = await packedModel(SAMPLE_MODEL);
  const start = (command: string[]): RingmeshProcess => {
    const process = new RingmeshProcess([...command, '--pack', pack, ...args], environment);
    processes.push(process);
    return process;
  };
  const workers = ['0-3', '4-7'].map((shards) => start(['worker', '--shards', shards, '--listen', '127.0.0.1:0', '--threads', '1']));
  const addresses = await Promise.all(workers.map((worker) => worker.line(/^ringmesh worker listening on (\S+)/m)));
  const router = start(['router', '--workers', addresses.join(','), '--port', '0']);
  const address = await router.line(/^ringmesh router listening on (\S+)/m);
  await untilReady(address);
  return address;
}

async function stopAll(): Promise<void> {
  for (const process of processes.toReversed()) await process.kill();
}

function post(address: string, body: object, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(address, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) });
}

function chat(base: string, headers: Record<string, string> = {}): Promise<Response> {
  const messages = [{ role: 'user', content: 'What is 47 + 85?' }];
  return post(`${base}/v1/chat/completions`, { messages, max_tokens: MAX_TOKENS, temperature: 0, ignore_eos: true }, headers);
}

/** All of a trace, as soon as the router's last span and what the workers did for each dispatch have come. */
async function traceOf(traceId: string): Promise<OtlpSpan[]> {
  const spans = (): OtlpSpan[] => collector.spans.filter((span) => span.traceId === traceId);
  const count = (name: string): number => spans().filter((span) => span.name === name).length;
  // Router and workers send theirs in batches, in no order.
  const isWhole = (): boolean => {
    const ids = new Set(spans().map(({ spanId }) => spanId));
    const roots = spans().filter(({ parentSpanId }) => !ids.has(parentSpanId));
    return roots.length === 1 && roots[0]!.parentSpanId === CALLER && count('dispatch') === count('compute');
  };
  await until(async () => isWhole(), Boolean);
  return spans();
}

async function outcome(name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(new RegExp(`^ringmesh:trace_spans_total\\{outcome="${name}"\\} (\\d+)`, 'm').exec(text)![1]);
}
