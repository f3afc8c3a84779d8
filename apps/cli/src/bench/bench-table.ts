import { table } from '@ringmesh/core';
import { LATENCIES, type LoadReport } from './metrics.js';

/** Above this, in milliseconds, the client itself distorts what it measures. */
const CLIENT_LATE_MS = 20;

/** A load's report as text for people. */
export function benchTable(report: LoadReport & { model: string; loopDelayP99Ms: number }): string {
  const { model, completed, failed, seconds, errors, goodput, latencies, sendLagP99Ms, loopDelayP99Ms } = report;
  const rows = LATENCIES.map((name) => {
    const of = latencies[name];
    return [name === 'e2e' ? name : name.toUpperCase(), ...(of === null ? ['', '', '', ''] : [of.mean, of.p50, of.p90, of.p99].map(show))];
  });
  const isLate = Math.max(sendLagP99Ms ?? 0, loopDelayP99Ms) > CLIENT_LATE_MS;
  return [
    `${model}: ${completed} requests answered, ${failed} failed, in ${seconds.toFixed(1)} s`,
    ...Object.entries(errors).map(([kind, count]) => `  ${kind}: ${count}`),
    '',
    table([['ms', 'mean', 'p50', 'p90', 'p99'], ...rows]),
    '',
    `requests/s ${report.requestsPerSecond.toFixed(2)}, input tokens/s ${show(report.inputTokensPerSecond)}, output tokens/s ${show(report.outputTokensPerSecond)}`,
    ...(goodput === null ? [] : [`goodput ${goodput.toFixed(2)} requests/s`]),
    ...(isLate
      ? [`this client could not keep up: sent ${show(sendLagP99Ms ?? 0)} ms late, event loop ${show(loopDelayP99Ms)} ms late, at p99`]
      : []),
  ].join('\n');
}

function show(value: number): string {
  return value.toFixed(1);
}
