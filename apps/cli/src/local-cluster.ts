import { availableParallelism } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { Child } from './child.js';
import type { Running } from './run-until-signal.js';
import { untilReady } from './until-ready.js';

/** A worker that ended is started again after this long, doubled each time up to the last. */
const RESTART_MS = { first: 500, last: 30_000 };

export interface ClusterOptions {
  packDir: string;
  /** The shards of each worker; no workers = the router computes the experts itself. */
  shardsOfWorkers: number[][];
  routerArgs: string[];
  workerArgs: string[];
}

/** A worker that ran this long did not fail because it was started too soon. */
const STABLE_MS = 60_000;

/** A router and its workers, as processes of this machine. A worker that ends is started again at its address; the router's end is the cluster's. */
export class LocalCluster implements Running {
  private readonly workers: Child[] = [];
  private router: Child | null = null;
  private closing = false;
  /** Where the router listens. */
  url = '';

  private constructor(
    private readonly packDir: string,
    /** Options of every worker. */
    private readonly workerArgs: string[],
  ) {}

  /** Resolves when all of it is ready. `signal` ends the start early. */
  static async start({ packDir, shardsOfWorkers, routerArgs, workerArgs }: ClusterOptions, signal: AbortSignal): Promise<LocalCluster> {
    // The workers share this machine's cores.
    const threads = Math.max(1, Math.floor(availableParallelism() / shardsOfWorkers.length));
    const cluster = new LocalCluster(packDir, ['--threads', String(threads), ...workerArgs]);
    const interrupt = (): void => void cluster.close();
    signal.addEventListener('abort', interrupt);
    try {
      const addresses = await Promise.all(shardsOfWorkers.map((shards, index) => cluster.startWorker(index, shards, '127.0.0.1:0')));
      for (const [index, address] of addresses.entries()) cluster.keepAlive(index, shardsOfWorkers[index]!, address);
      signal.throwIfAborted();
      await cluster.startRouter(addresses, routerArgs);
      return cluster;
    } catch (error) {
      await cluster.close();
      throw error;
    } finally {
      signal.removeEventListener('abort', interrupt);
    }
  }

  /** Resolves with what happened when the router ended without being told to. */
  async lost(): Promise<string> {
    return `the router ended unexpectedly (${await this.router!.ended})`;
  }

  /** The router first: its running streams finish while the workers still answer. */
  async close(): Promise<void> {
    this.closing = true;
    await this.router?.stop();
    await Promise.all(this.workers.map((worker) => worker.stop()));
  }

  private async startWorker(index: number, shards: number[], listen: string): Promise<string> {
    const args = ['worker', '--pack', this.packDir, '--shards', shards.join(','), '--listen', listen, ...this.workerArgs];
    const worker = new Child(`worker ${index}`, args);
    this.workers[index] = worker;
    const address = await worker.address(/^ringmesh worker listening on (\S+)/);
    console.error(`worker ${index} listens on ${address}, shards ${shards.join(', ')}`);
    return address;
  }

  private async startRouter(workers: string[], routerArgs: string[]): Promise<void> {
    const experts = workers.length === 0 ? 'local' : workers.join(',');
    const router = new Child('router', ['router', '--pack', this.packDir, '--workers', experts, ...routerArgs]);
    this.router = router;
    this.url = await router.address(/^ringmesh router listening on (\S+)/);
    const lost = this.lost().then((message) => Promise.reject(new Error(message)));
    await Promise.race([untilReady(this.url), lost]);
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
