import { createMetricsRegistry, renderMetrics, RequestMetrics } from '@ringmesh/telemetry';
import { describe, expect, it } from 'vitest';
import type { TextEvent } from './generate-text.js';
import { measured } from './measured.js';

const TOKEN: TextEvent = { type: 'token', text: 'x', tokenId: 1 };

/** A request that waits 0.5 s, has tokens after 1 s, 3 s and 4 s, and then ends as told. */
async function* timed(clock: { now: number }, end: TextEvent | Error): AsyncGenerator<TextEvent, void> {
  clock.now += 0.5;
  yield { type: 'started', queueSeconds: 0.4, cachedTokens: 0 };
  for (const seconds of [0.5, 2, 1]) {
    clock.now += seconds;
    yield TOKEN;
  }
  if (end instanceof Error) throw end;
  yield end;
}

async function measure(end: TextEvent | Error, { leaveAfter = Infinity, signal = new AbortController().signal } = {}): Promise<string> {
  const clock = { now: 100 };
  const registry = createMetricsRegistry();
  const metrics = new RequestMetrics(registry, 'm');
  let seen = 0;
  try {
    for await (const _ of measured(timed(clock, end), metrics, { promptTokens: 7, signal, now: () => clock.now })) {
      if (++seen === leaveAfter) break;
    }
  } catch (error) {
    if (error !== end) throw error;
  }
  return (await renderMetrics(registry)).replaceAll('{model_name="m",engine="0"}', '');
}

const finished = (reason: string): string => `finished_reason="${reason}"} 1`;

describe('measured', () => {
  it('measures a whole request', async () => {
    const text = await measure({ type: 'finished', text: '', reason: 'stop', stopReason: null });
    for (const line of [
      'vllm:time_to_first_token_seconds_sum 1',
      'vllm:inter_token_latency_seconds_sum 3',
      'vllm:inter_token_latency_seconds_count 2',
      'vllm:request_time_per_output_token_seconds_sum 1.5',
      'vllm:e2e_request_latency_seconds_sum 4',
      'vllm:request_queue_time_seconds_sum 0.4',
      'vllm:prompt_tokens_total 7',
      'vllm:generation_tokens_total 3',
    ]) {
      expect(text).toContain(`${line}\n`);
    }
    expect(text).toContain(finished('stop'));
  });

  it('tells an error from an abort, and counts each request once', async () => {
    expect(await measure(new Error('shard lost'))).toContain(finished('error'));
    const aborted = await measure(new Error('gone'), { signal: AbortSignal.abort() });
    expect(aborted).toContain(finished('abort'));
    expect(aborted.match(/finished_reason="\w+"} 1\n/g)).toHaveLength(1);
  });

  it('takes a consumer that leaves early for an abort', async () => {
    const text = await measure({ type: 'finished', text: '', reason: 'stop', stopReason: null }, { leaveAfter: 2 });
    expect(text).toContain(finished('abort'));
    expect(text).toContain('vllm:generation_tokens_total 1\n');
  });
});
