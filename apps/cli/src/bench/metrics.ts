/** One request as it was measured; times in milliseconds on one clock. */
export interface RequestRecord {
  /** When it was meant to be sent: latencies count from here, so that a late client or a full server hides nothing. */
  dueAt: number;
  sentAt: number;
  endedAt: number;
  /** When each chunk with text came. */
  chunksAt: number[];
  /** From `usage`. */
  promptTokens: number;
  outputTokens: number;
  /** The kind of error; null for a complete answer. */
  error: string | null;
}

/** In milliseconds. */
export interface Distribution {
  mean: number;
  p50: number;
  p90: number;
  p99: number;
}

export const LATENCIES = ['ttft', 'itl', 'tpot', 'e2e'] as const;
export type Latency = (typeof LATENCIES)[number];
/** Milliseconds that a request may take at most. */
export type GoodputLimits = Partial<Record<Exclude<Latency, 'itl'>, number>>;

export interface LoadReport {
  completed: number;
  failed: number;
  errors: Record<string, number>;
  seconds: number;
  requestsPerSecond: number;
  inputTokensPerSecond: number;
  outputTokensPerSecond: number;
  /** Requests a second within all limits; null where none are given. */
  goodput: number | null;
  /** Requests within all limits, of all that were sent, failed ones included; null where no limits are given. */
  goodputShare: number | null;
  /** Null where nothing was measured. */
  latencies: Record<Latency, Distribution | null>;
  /** How late the client sent, at p99: more than a few milliseconds means that it could not keep up. Null where nothing was sent. */
  sendLagP99Ms: number | null;
}

/** The least value that a share of all values does not exceed (nearest rank). @param sorted ascending, one at least */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
}

export function distributionOf(values: readonly number[]): Distribution | null {
  if (values.length === 0) return null;
  const sorted = values.toSorted((a, b) => a - b);
  const mean = sorted.reduce((sum, value) => sum + value, 0) / sorted.length;
  return { mean, p50: quantile(sorted, 0.5), p90: quantile(sorted, 0.9), p99: quantile(sorted, 0.99) };
}

/** @param seconds from the first request's time to the end of the last answer */
export function reportOf(records: readonly RequestRecord[], seconds: number, limits: GoodputLimits): LoadReport {
  const complete = records.filter(({ error }) => error === null);
  const errors: Record<string, number> = {};
  for (const { error } of records) if (error !== null) errors[error] = (errors[error] ?? 0) + 1;
  const perSecond = (total: number): number => (seconds === 0 ? 0 : total / seconds);
  const sum = (of: (record: RequestRecord) => number): number => complete.reduce((total, record) => total + of(record), 0);
  const samples = samplesOf(records);
  const good = complete.filter((record) => isGood(record, limits)).length;
  const hasLimits = Object.keys(limits).length > 0;
  return {
    completed: complete.length,
    failed: records.length - complete.length,
    errors,
    seconds,
    requestsPerSecond: perSecond(complete.length),
    inputTokensPerSecond: perSecond(sum(({ promptTokens }) => promptTokens)),
    outputTokensPerSecond: perSecond(sum(({ outputTokens }) => outputTokens)),
    goodput: hasLimits ? perSecond(good) : null,
    goodputShare: hasLimits && records.length > 0 ? good / records.length : null,
    latencies: {
      ttft: distributionOf(samples.ttft),
      itl: distributionOf(samples.itl),
      tpot: distributionOf(samples.tpot),
      e2e: distributionOf(samples.e2e),
    },
    sendLagP99Ms: distributionOf(records.map(({ sentAt, dueAt }) => sentAt - dueAt))?.p99 ?? null,
  };
}

/** Every latency measured of complete answers, in milliseconds. */
export function samplesOf(records: readonly RequestRecord[]): Record<Latency, number[]> {
  const complete = records.filter(({ error }) => error === null);
  return {
    ttft: complete.flatMap((record) => latenciesOf(record).ttft ?? []),
    itl: complete.flatMap(({ chunksAt }) => chunksAt.slice(1).map((at, index) => at - chunksAt[index]!)),
    tpot: complete.flatMap((record) => latenciesOf(record).tpot ?? []),
    e2e: complete.map((record) => latenciesOf(record).e2e),
  };
}

/** TTFT is missing for an answer without text, TPOT for one of less than two tokens. */
function latenciesOf({ dueAt, endedAt, chunksAt: [firstAt], outputTokens }: RequestRecord): { ttft?: number; tpot?: number; e2e: number } {
  const e2e = endedAt - dueAt;
  if (firstAt === undefined) return { e2e };
  const ttft = firstAt - dueAt;
  return outputTokens < 2 ? { e2e, ttft } : { e2e, ttft, tpot: (e2e - ttft) / (outputTokens - 1) };
}

/** As in vLLM's `vllm bench serve`, TPOT of less than two tokens counts as 0. An answer without text misses every limit of TTFT. */
function isGood(record: RequestRecord, limits: GoodputLimits): boolean {
  const { ttft = Infinity, tpot = 0, e2e } = latenciesOf(record);
  return ttft <= (limits.ttft ?? Infinity) && tpot <= (limits.tpot ?? Infinity) && e2e <= (limits.e2e ?? Infinity);
}
