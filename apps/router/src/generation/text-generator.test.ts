import { monotonicSeconds } from '@ringmesh/core';
import type { EngineClient, GenerationEvent, GenerationRequest } from '@ringmesh/engine';
import { createMetricsRegistry, RequestMetrics, renderMetrics } from '@ringmesh/telemetry';
import { SAMPLE_MODEL } from '@ringmesh/testing';
import { Tokenizer } from '@ringmesh/tokenizer';
import { expect, it } from 'vitest';
import { Admission } from '../admission/admission.js';
import { hashOf } from '../api-keys/api-keys.js';
import { InFlight } from './in-flight.js';
import { TextGenerator } from './text-generator.js';
import type { TextRequest } from './text-request.js';

const SAMPLING = { temperature: 0, topP: 1, topK: 0, minP: 0, seed: 0, logprobs: -1 };
const REQUEST: TextRequest = {
  id: 'r',
  promptIds: [1, 2],
  sampling: SAMPLING,
  maxTokens: 1,
  stopTokenIds: [],
  stop: [],
  includeStop: false,
  skipSpecialTokens: true,
};

it('tells the engine whose request it is, admits with the first event, and measures no request that it refused', async () => {
  const submitted: GenerationRequest[] = [];
  async function* generate(request: GenerationRequest): AsyncGenerator<GenerationEvent> {
    submitted.push(request);
    yield { type: 'started', queueSeconds: 0, cachedTokens: 0 };
    yield { type: 'token', tokenId: 5 };
    yield { type: 'finished', reason: 'length' };
  }
  const engine = { generate, readiness: () => ({ ready: true, missingShards: [], details: [] }) } as unknown as EngineClient;
  const registry = createMetricsRegistry();
  const admission = new Admission({ limits: { maxRequests: 1, maxTokens: 100 }, now: monotonicSeconds, onRefused: () => undefined });
  const generator = new TextGenerator({
    backend: { engine, tokenizer: await Tokenizer.load(SAMPLE_MODEL), endTokenIds: [] },
    metrics: new RequestMetrics(registry, 'm'),
    inFlight: new InFlight(),
    admission,
  });
  const client = { signal: new AbortController().signal, apiKey: { name: 'team', sha256: hashOf('k'), limits: {} } };

  const first = generator.generate([REQUEST], client);
  const second = generator.generate([REQUEST], client);
  expect(admission.waiting().requests).toBe(0);
  const started = first.next();
  await expect(second.next()).rejects.toMatchObject({ code: 'queue_full' });
  expect((await started).value).toMatchObject({ value: { type: 'started' } });
  expect(submitted).toMatchObject([{ id: 'r', apiKeyName: 'team', arrivedAt: expect.any(Number) as number }]);
  for await (const _ of first) continue;
  expect(await renderMetrics(registry)).toMatch(/vllm:e2e_request_latency_seconds_count\{.*\} 1\n/);
});
