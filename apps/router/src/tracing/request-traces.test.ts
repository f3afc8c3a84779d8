import { monotonicSeconds } from '@ringmesh/core';
import type { StepTrace } from '@ringmesh/engine';
import { createLogger, createMetricsRegistry, startTracing } from '@ringmesh/telemetry';
import { OtlpReceiver, type OtlpSpan } from '@ringmesh/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { TextEvent } from '../generation/generate-text.js';
import type { TextRequest } from '../generation/text-request.js';
import { RequestTraces } from './request-traces.js';

const SAMPLING = { temperature: 0, topP: 1, topK: 0, minP: 0, seed: 0, logprobs: -1 };
const REQUEST: TextRequest = {
  ...{ id: 'cmpl-1-0', promptIds: [1, 2], sampling: SAMPLING, maxTokens: 9, stopTokenIds: [] },
  ...{ stop: [], includeStop: false, skipSpecialTokens: true },
};

let collector: OtlpReceiver;
beforeAll(async () => (collector = await OtlpReceiver.start()));
afterAll(() => collector.close());

/** The spans of a request whose client leaves after so many steps, while the engine computes one more. */
async function spansOf(steps: { isLast: boolean }[]): Promise<OtlpSpan[]> {
  collector.spans.length = 0;
  const log = createLogger({ name: 'test', pretty: false, destination: { write: () => undefined } });
  const options = { url: `${collector.url}/v1/traces`, sampling: { ratio: 1, followsParent: true }, serviceName: undefined };
  const tracer = (await startTracing(options, { service: 'router', registry: createMetricsRegistry(), log }))!;
  const traces = new RequestTraces(tracer, 'm');
  const root = tracer.start('POST', { kind: 'server' });
  const record = (index: number): void => {
    const startedAt = monotonicSeconds();
    const chunk = { id: REQUEST.id, spanIdLow: index + 1, numTokens: 1, isLast: steps[index]!.isLast };
    const nothingAsked = { hosts: [], exchanges: new Float64Array(), dropped: 0 };
    const step: StepTrace = {
      ...nothingAsked,
      spanIdHigh: 7,
      numSequences: 1,
      numTokens: 1,
      chunks: [chunk],
      startedAt,
      endedAt: startedAt + 1e-3,
    };
    traces.recordStep(step);
  };
  async function* generate(): AsyncGenerator<TextEvent, void> {
    await Promise.resolve();
    for (const index of steps.keys()) {
      yield { type: 'started', queueSeconds: 0, cachedTokens: 0 };
      if (index < steps.length - 1) record(index);
    }
  }
  const events = traces.traced(REQUEST, root, generate);
  for (const _ of steps) await events.next();
  await events.return();
  record(steps.length - 1);
  root.end();
  await tracer.close();
  return [...collector.spans];
}

const PROMPT = { isLast: false };
const TOKEN = { isLast: true };

it.each([
  ['the prompt', [TOKEN], ['prefill', 'prefill step', 'queue']],
  ['a part of the prompt', [PROMPT], ['prefill', 'prefill step', 'queue']],
  ['the rest of the prompt', [PROMPT, TOKEN], ['prefill', 'prefill step', 'prefill step', 'queue']],
  ['the second token', [TOKEN, TOKEN], ['decode', 'decode step', 'prefill', 'prefill step', 'queue']],
  ['the third token', [TOKEN, TOKEN, TOKEN], ['decode', 'decode step', 'decode step', 'prefill', 'prefill step', 'queue']],
])('the trace is whole when the client leaves while the engine computes %s', async (_, steps, names) => {
  const spans = await spansOf(steps);
  expect(spans.map(({ name }) => name).sort()).toEqual(['POST', ...names, 'llm_request'].sort());
  const ids = new Set(spans.map(({ spanId }) => spanId));
  expect(ids.size).toBe(spans.length);
  expect(spans.filter(({ parentSpanId }) => !ids.has(parentSpanId)).map(({ name }) => name)).toEqual(['POST']);
});
