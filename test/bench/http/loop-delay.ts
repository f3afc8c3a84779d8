/** Counts of the router's event-loop delays, by upper bound in milliseconds, each without those below it. */
export type DelayCounts = Map<number, number>;

const METRIC = 'ringmesh:http_event_loop_delay_seconds';

/** What GET /metrics of a router says. */
export async function readDelays(url: string): Promise<DelayCounts> {
  return parseDelays(await (await fetch(`${url}/metrics`)).text());
}

export function parseDelays(scrape: string): DelayCounts {
  const counts: DelayCounts = new Map();
  let below = 0;
  for (const [, bound, text] of scrape.matchAll(new RegExp(`^${METRIC}_bucket\\{le="([^"]+)"\\} (\\d+)$`, 'gm'))) {
    counts.set(bound === '+Inf' ? Infinity : Number(bound) * 1000, Number(text) - below);
    below = Number(text);
  }
  if (counts.size === 0) throw new Error(`the router's /metrics has no ${METRIC}`);
  return counts;
}

/** What came between two readings. */
export function delaysBetween(before: DelayCounts, after: DelayCounts): DelayCounts {
  return new Map(Array.from(after, ([bound, count]) => [bound, count - before.get(bound)!]));
}

/** The upper bound of the bucket in which a share of all delays ends, in milliseconds: the true value is not more. */
export function delayQuantile(counts: DelayCounts, share: number): number {
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  let seen = 0;
  for (const [bound, count] of counts) if ((seen += count) >= share * total) return bound;
  return NaN;
}

/** The share of all delays that are within a bucket's bound. */
export function shareWithin(counts: DelayCounts, limitMs: number): number {
  const values = [...counts];
  const sum = (of: [number, number][]): number => of.reduce((total, [, count]) => total + count, 0);
  return sum(values.filter(([bound]) => bound <= limitMs)) / sum(values);
}
