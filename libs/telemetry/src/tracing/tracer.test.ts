import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createLogger } from '../logger.js';
import { createMetricsRegistry } from '../registry.js';
import { Tracer } from './tracer.js';

/** Spans that wait at most, and those of the batch that is on its way. */
const HELD = 8192 + 512;
const PARENT = { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', tracestate: 'vendor=1' };

const servers: Server[] = [];
afterEach(() => servers.splice(0).forEach((server) => server.close().closeAllConnections()));

/** @param status what it answers; null: it never does */
async function listen(status: number | null): Promise<{ url: string; asked: Promise<unknown> }> {
  const asked = Promise.withResolvers<boolean>();
  const server = createServer((request, response) => {
    asked.resolve(true);
    request.resume();
    if (status !== null) request.on('end', () => response.writeHead(status).end());
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`, asked: asked.promise };
}

function tracerTo(url: string, { ratio = 1, followsParent = true } = {}) {
  const registry = createMetricsRegistry();
  const lines: string[] = [];
  const log = createLogger({ name: 'test', pretty: false, destination: { write: (line) => lines.push(line) } });
  const tracer = new Tracer({ url, sampling: { ratio, followsParent }, serviceName: undefined }, { service: 'test', registry, log });
  const count = async (outcome: string): Promise<number | undefined> => {
    const metric = await registry.getSingleMetric('ringmesh:trace_spans_total')!.get();
    return metric.values.find(({ labels }) => labels['outcome'] === outcome)?.value;
  };
  return { tracer, lines, count };
}

describe('a collector that takes nothing', () => {
  it('has spans wait up to a limit; more are dropped and counted, and the end is not held up', async () => {
    const { url, asked } = await listen(null);
    const { tracer, count } = tracerTo(url);
    for (let index = 0; index < HELD + 100; index++) tracer.start('span', {}).end();
    await asked;
    expect([await count('exported'), await count('failed'), await count('dropped')]).toEqual([0, 0, 100]);
    const startedAt = performance.now();
    await tracer.close();
    expect(performance.now() - startedAt).toBeLessThan(4000);
  });

  it('is complained of once', async () => {
    const { url } = await listen(400);
    const { tracer, lines, count } = tracerTo(url);
    for (let index = 0; index < 3 * 512; index++) tracer.start('span', {}).end();
    await tracer.close();
    expect(await count('failed')).toBe(3 * 512);
    expect(lines.filter((line) => line.includes('cannot be sent'))).toHaveLength(1);
    expect(lines[0]).toContain(new URL(url).host);
  });
});

describe('who is sampled', () => {
  it.each([
    ['the sender says so', { ratio: 0 }, PARENT, true],
    ['the sender says no', { ratio: 1 }, { traceparent: PARENT.traceparent.replace(/1$/, '0') }, false],
    ['nobody says, and all are', { ratio: 1 }, {}, true],
    ['nobody says, and none is', { ratio: 0 }, {}, false],
    ['the sender is not asked', { ratio: 0, followsParent: false }, PARENT, false],
    ['what the sender says is malformed', { ratio: 0 }, { traceparent: PARENT.traceparent.replace('f', 'X') }, false],
  ])('%s', async (_, sampling, headers, isSampled) => {
    const { tracer } = tracerTo('http://127.0.0.1:9/v1/traces', sampling);
    const span = tracer.start('request', { kind: 'server', parent: tracer.remoteParent(headers) });
    const child = tracer.start('child', { parent: span.context, id: '00000000000000ab' });
    expect([span.isSampled, child.isSampled, child.context.spanId]).toEqual([isSampled, isSampled, '00000000000000ab']);
    expect(child.context.traceId).toBe(span.context.traceId);
    await tracer.close();
  });

  it('takes over the trace of the sender, with its state', async () => {
    const { tracer } = tracerTo('http://127.0.0.1:9/v1/traces');
    const { context } = tracer.start('request', { parent: tracer.remoteParent(PARENT) });
    expect([context.traceId, context.traceState!.serialize()]).toEqual(['4bf92f3577b34da6a3ce929d0e0e4736', 'vendor=1']);
    await tracer.close();
  });
});
