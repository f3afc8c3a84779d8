import { spreadOf } from '../statistics.ts';
import { residentBytesOfTree } from './process-memory.ts';

/** What is seen of a server at one moment. */
export interface Sample {
  /** Since the start. */
  seconds: number;
  /** Resident memory of all its processes, in bytes. */
  residentBytes: number;
  /** Share of the KV memory that sequences hold. */
  kvCacheUsage: number;
  running: number;
  waiting: number;
}

/** @param pid of the process that started the others @param start by `performance.now()` */
export async function takeSample(url: string, pid: number, start: number): Promise<Sample> {
  const scrape = await (await fetch(`${url}/metrics`)).text();
  return {
    seconds: (performance.now() - start) / 1000,
    residentBytes: residentBytesOfTree(pid),
    kvCacheUsage: metricOf(scrape, 'vllm:kv_cache_usage_perc'),
    running: metricOf(scrape, 'vllm:num_requests_running'),
    waiting: metricOf(scrape, 'vllm:num_requests_waiting'),
  };
}

export function metricOf(scrape: string, name: string): number {
  const found = new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(scrape)?.[1];
  if (found === undefined) throw new Error(`/metrics has no ${name}`);
  return Number(found);
}

/** Those of a part of the time, from 0 to 1. */
export function between(samples: readonly Sample[], from: number, to: number): Sample[] {
  const duration = samples.at(-1)!.seconds;
  return samples.filter(({ seconds }) => seconds >= from * duration && seconds <= to * duration);
}

export function medianBytes(samples: readonly Sample[]): number {
  return spreadOf(samples.map(({ residentBytes }) => residentBytes)).median;
}

/** Memory in the last third of the time, over that in the second. */
export function growthOf(samples: readonly Sample[]): number {
  return medianBytes(between(samples, 2 / 3, 1)) / medianBytes(between(samples, 1 / 3, 2 / 3));
}
