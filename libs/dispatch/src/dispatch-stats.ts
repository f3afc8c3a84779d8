/** What one host was asked since the last drain. Bytes are float32 in shared memory; the wire may carry fewer. */
export interface HostStats {
  id: string;
  requests: number;
  failures: number;
  /** (token, expert) pairs. */
  rows: number;
  /** Hidden states. */
  sentBytes: number;
  /** Partial sums. */
  receivedBytes: number;
  /** Seconds of each exchange that was replied to, 1024 at most. */
  latencies: number[];
}

export interface DispatchStats {
  hosts: HostStats[];
  /** (token, expert) pairs sent to each shard, by layer. */
  tokens: Float64Array; // [numLayers, numShards]
}

/** Memory stays bounded if nobody drains. */
const MAX_LATENCIES = 1024;

type Counts = Omit<HostStats, 'id'>;

/** Counters of one host, cheap enough for every exchange. */
export class HostCounters {
  private counts = noCounts();

  countRequest(rows: number, sentBytes: number): void {
    this.counts.requests++;
    this.counts.rows += rows;
    this.counts.sentBytes += sentBytes;
  }

  countReply(receivedBytes: number, seconds: number): void {
    this.counts.receivedBytes += receivedBytes;
    if (this.counts.latencies.length < MAX_LATENCIES) this.counts.latencies.push(seconds);
  }

  countFailure(): void {
    this.counts.failures++;
  }

  /** Returns what was counted and starts again at zero. */
  drain(): Counts {
    const { counts } = this;
    this.counts = noCounts();
    return counts;
  }
}

function noCounts(): Counts {
  return { requests: 0, failures: 0, rows: 0, sentBytes: 0, receivedBytes: 0, latencies: [] };
}
