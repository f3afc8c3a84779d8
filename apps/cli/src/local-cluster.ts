import { availableParallelism } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { Child } from './child.js';
import { ProgressLine } from './progress.js';
import type { Running } from './run-until-signal.js';

/** A worker that ended is started again after this long, doubled each time up to the last. */
const RESTART_MS = { first: 500, last: 30_000 };

export interface ClusterOptions {
  packDir: string;
  /** The shards of each worker; no workers = the router computes the experts itself. */
  shardsOfWorkers: number[][];
  routerArgs: string[];
  /** Variables that only the router gets. */
  routerEnvironment?: NodeJS.ProcessEnv | undefined;
  workerArgs: string[];
  /** How long running requests may take to finish at the end. */
  shutdownTimeoutMs: number;
}

/** What a process may take to end beside that. */
const STOP_GRACE_MS = 5000;

/** A worker that ran this long did not fail because it was started too soon. */
const STABLE_MS = 60_000;

/** One process of a cluster. */
export interface Member {
  name: string;
  pid: number;
  /** That it hosts; of the router: all, where it computes the experts itself. */
  shards: number[] | 'all';
  /** From its start until it could answer; null where it ended and was started again meanwhile. */
  readySeconds: number | null;
}

/** A router and its workers, as processes of this machine. A worker that ends is started again at its address; the router's end is the cluster's. */
export class LocalCluster implements Running {
  private readonly workers: Child[] = [];
  private router: Child | null = null;
  private closing = false;
  /** Aborted once all are ready, or nobody waits for that any more. */
  private readonly starting = new AbortController();
  /** One a worker: resolved when its experts are loaded. */
  private readonly loading: Promise<void>[] = [];
  /** Where the router listens. */
  url = '';
  /** Where its /metrics are. */
  metricsUrl = '';

  private constructor(
    private readonly packDir: string,
    private readonly shardsOfWorkers: number[][],
    /** Options of every worker. */
    private readonly workerArgs: string[],
    private readonly stopGraceMs: number,
  ) {}

  /** Resolves when all of it is ready. `signal` ends the start early. */
  static async start(options: ClusterOptions, signal: AbortSignal): Promise<LocalCluster> {
    const { packDir, shardsOfWorkers, workerArgs, shutdownTimeoutMs } = options;
    // The workers share this machine's cores.
    const threads = Math.max(1, Math.floor(availableParallelism() / shardsOfWorkers.length));
    const argsOfWorkers = ['--threads', String(threads), ...workerArgs];
    const cluster = new LocalCluster(packDir, shardsOfWorkers, argsOfWorkers, shutdownTimeoutMs + STOP_GRACE_MS);
    const interrupt = (): void => void cluster.close();
    signal.addEventListener('abort', interrupt);
    try {
      const addresses = await Promise.all(shardsOfWorkers.map((shards, index) => cluster.startWorker(index, shards, '127.0.0.1:0')));
      signal.throwIfAborted();
      await cluster.startRouter(addresses, options);
      for (const [index, address] of addresses.entries()) cluster.keepAlive(index, shardsOfWorkers[index]!, address);
      return cluster;
    } catch (error) {
      await cluster.close();
      throw error;
    } finally {
      cluster.starting.abort();
      signal.removeEventListener('abort', interrupt);
    }
  }

  /** The processes, once all are ready. */
  members(): Member[] {
    const local = this.workers.length === 0 ? ('all' as const) : [];
    const member = ({ name, pid, readySeconds }: Child, shards: Member['shards']): Member => {
      return { name, pid: pid!, shards, readySeconds };
    };
    return [member(this.router!, local), ...this.workers.map((worker, index) => member(worker, this.shardsOfWorkers[index]!))];
  }

  /** Resolves with what happened when the router ended without being told to. */
  async lost(): Promise<string> {
    return (await this.router!.endedError()).message;
  }

  /** The router first: its running streams finish while the workers still answer. */
  async close(): Promise<void> {
    this.closing = true;
    await this.router?.stop(this.stopGraceMs);
    await Promise.all(this.workers.map((worker) => worker.stop(this.stopGraceMs)));
  }

  private async startWorker(index: number, shards: number[], listen: string): Promise<string> {
    const args = ['worker', '--pack', this.packDir, '--shards', shards.join(','), '--listen', listen, ...this.workerArgs];
    const worker = new Child(`worker ${index}`, args);
    this.workers[index] = worker;
    const [address, metrics] = await worker.listening(/^ringmesh worker listening on (\S+) \(metrics on (\S+)\)/);
    console.error(`worker ${index} listens on ${address}, shards ${shards.join(', ')}`);
    this.loading.push(worker.untilReady(`http://${metrics}`, this.starting.signal));
    return address!;
  }

  private async startRouter(
    workers: string[],
    { routerArgs, routerEnvironment }: Pick<ClusterOptions, 'routerArgs' | 'routerEnvironment'>,
  ): Promise<void> {
    const experts = workers.length === 0 ? 'local' : workers.join(',');
    const router = new Child('router', ['router', '--pack', this.packDir, '--workers', experts, ...routerArgs], routerEnvironment);
    this.router = router;
    const [url, metricsUrl] = await router.listening(/^ringmesh router listening on (\S+) \(metrics on (\S+)\)/);
    this.url = url!;
    this.metricsUrl = metricsUrl!;
    // Before the first request, a process that ends has no chance to do better next time.
    const lost = [router, ...this.workers].map(async (child) => Promise.reject(await child.endedError()));
    const line = new ProgressLine();
    const isReady = router.untilReady(this.url, this.starting.signal, (details) => line.update(`starting: ${details.join('; ')}`));
    await Promise.race([Promise.all([isReady, ...this.loading]), ...lost]);
    line.update('ready', true);
  }

  /** Starts a worker again whenever it ends, until the cluster closes. */
  private keepAlive(index: number, shards: number[], address: string): void {
    const isClosing = (): boolean => this.closing;
    const watch = async (): Promise<void> => {
      for (let wait = RESTART_MS.first; ; wait = Math.min(2 * wait, RESTART_MS.last)) {
        const startedAt = performance.now();
        const ending = await this.workers[index]!.ended;
        if (isClosing()) return;
        if (performance.now() - startedAt > STABLE_MS) wait = RESTART_MS.first;
        console.error(`worker ${index} ended unexpectedly (${ending}); starting it again in ${wait / 1000} s`);
        await delay(wait, undefined, { ref: false });
        if (isClosing()) return;
        await this.startWorker(index, shards, address).catch((error: unknown) => {
          console.error(error);
        });
      }
    };
    void watch();
  }
}
