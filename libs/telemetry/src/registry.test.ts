import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { RefusalMetrics, registerWaitingLoad } from './admission-metrics.js';
import { DispatchMetrics, registerWorkers } from './dispatch-metrics.js';
import { EngineMetrics, registerEngineLoad } from './engine-metrics.js';
import { measureEventLoopDelay } from './event-loop-delay.js';
import { HttpMetrics } from './http-metrics.js';
import { collectProcessMetrics, createMetricsRegistry, renderMetrics } from './registry.js';
import { RequestMetrics } from './request-metrics.js';
import { WorkerMetrics } from './worker-metrics.js';

const MODEL = { numLayers: 6, numShards: 2 };

/** Lint messages that vLLM's fixed names bring about, with vLLM itself too. */
const FORCED_BY_NAMES = [
  / metric names should not contain ':'$/,
  /^vllm:iteration_tokens_total non-counter metrics should not have "_total" suffix$/,
];

const HOST = { id: '10.0.0.1:7000', failures: 0, sentBytes: 100, receivedBytes: 200, latencies: [0.002, 0.004] };
const NO_TOKENS = new Float64Array(MODEL.numLayers * MODEL.numShards);

function everyMetric(): Promise<string> {
  const registry = createMetricsRegistry();
  collectProcessMetrics(registry);
  measureEventLoopDelay(registry)(); // and stopped
  registerEngineLoad(registry, 'ring', () => ({ running: 2, waiting: 1, kvCacheUsage: 0.25 }));
  registerWaitingLoad(registry, 'ring', () => ({ requests: 5, promptTokens: 600, heldByKey: 2 }));
  new RefusalMetrics(registry).count('queue_full');
  const requests = new RequestMetrics(registry, 'ring');
  requests.timeToFirstToken.observe(0.03);
  requests.countFinished('stop');
  new HttpMetrics(registry).observe({ handler: '/health', method: 'GET', status: 204, seconds: 0.01 });
  new EngineMetrics(registry, 'ring').iterationTokens.observe(9);
  const dispatch = new DispatchMetrics(registry, MODEL);
  dispatch.record({ hosts: [HOST], tokens: NO_TOKENS.with(11, 12) });
  registerWorkers(registry, () => [{ address: HOST.id, isUp: true, inFlight: 2 }]);
  new WorkerMetrics(registry, MODEL).requests.inc();
  return renderMetrics(registry);
}

describe('metrics', () => {
  it('has every family in one scrape, with zeros before the first request', async () => {
    const text = await everyMetric();
    for (const line of [
      'vllm:num_requests_running{model_name="ring",engine="0"} 2',
      'vllm:num_requests_waiting_by_reason{model_name="ring",engine="0",reason="capacity"} 3',
      'vllm:num_requests_waiting_by_reason{model_name="ring",engine="0",reason="deferred"} 2',
      'ringmesh:waiting_prompt_tokens 600',
      'ringmesh:requests_refused_total{code="queue_full"} 1',
      'ringmesh:requests_refused_total{code="rate_limit_exceeded"} 0',
      'vllm:kv_cache_usage_perc{model_name="ring",engine="0"} 0.25',
      'vllm:request_success_total{model_name="ring",engine="0",finished_reason="stop"} 1',
      'vllm:request_success_total{model_name="ring",engine="0",finished_reason="error"} 0',
      'vllm:e2e_request_latency_seconds_count{model_name="ring",engine="0"} 0',
      'vllm:time_to_first_token_seconds_bucket{le="0.04",model_name="ring",engine="0"} 1',
      'vllm:iteration_tokens_total_bucket{le="16",model_name="ring",engine="0"} 1',
      'http_requests_total{handler="/health",method="GET",status="2xx"} 1',
      'ringmesh:dispatch_tokens_total{layer_group="4-5",shard="1"} 12',
      'ringmesh:worker_up{worker="10.0.0.1:7000"} 1',
      'ringmesh:dispatch_in_flight{worker="10.0.0.1:7000"} 2',
      'ringmesh:worker_requests_total 1',
    ]) {
      expect(text).toContain(`${line}\n`);
    }
    expect(text).toContain('process_resident_memory_bytes');
  });

  it('is accepted by promtool, but for what the fixed names bring about', async ({ skip }) => {
    const { status, stderr, error } = spawnSync('promtool', ['check', 'metrics'], { input: await everyMetric(), encoding: 'utf8' });
    if (error !== undefined) skip('promtool is not installed (Debian: apt install prometheus): the scrape was NOT checked');
    expect(status, stderr).not.toBe(1);
    const complaints = stderr.split('\n').filter((line) => line !== '' && !FORCED_BY_NAMES.some((forced) => forced.test(line)));
    expect(complaints).toEqual([]);
  });

  it('forgets a worker that left', async () => {
    const registry = createMetricsRegistry();
    const dispatch = new DispatchMetrics(registry, MODEL);
    dispatch.record({ hosts: [HOST, { ...HOST, id: '10.0.0.2:7000' }], tokens: NO_TOKENS });
    dispatch.record({ hosts: [HOST], tokens: NO_TOKENS });
    const text = await renderMetrics(registry);
    expect(text).toContain('ringmesh:dispatch_latency_seconds_count{worker="10.0.0.1:7000"} 4\n');
    expect(text).not.toContain('10.0.0.2');
  });
});
