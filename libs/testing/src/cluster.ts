import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ensurePack } from '@ringmesh/pack';
import { REPOSITORY } from './golden.js';

const CLI = join(REPOSITORY, 'apps/cli/dist/main.js');

/** One of the real processes: `ringmesh …`. */
export class RingmeshProcess {
  /** All it has printed, on both streams. */
  output = '';
  /** Resolves with the exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
  private readonly process: ChildProcess;
  private readonly lineListeners = new Set<(line: string) => void>();

  /** @param environment variables besides our own */
  constructor(
    private readonly args: string[],
    environment: Record<string, string> = {},
  ) {
    const env = { ...process.env, ...environment };
    this.process = spawn(process.execPath, [CLI, ...args], { stdio: ['ignore', 'pipe', 'pipe'], cwd: REPOSITORY, env });
    for (const stream of [this.process.stdout!, this.process.stderr!]) {
      createInterface({ input: stream }).on('line', (line) => {
        this.output += `${line}\n`;
        for (const listener of this.lineListeners) listener(line);
      });
    }
    this.ended = new Promise((resolve) => this.process.once('close', (code, signal) => resolve(signal ?? code ?? 1)));
  }

  get pid(): number {
    return this.process.pid!;
  }

  /** Waits for a line that matches. @returns its first group @throws when the process ends first */
  async line(pattern: RegExp): Promise<string> {
    const printed = pattern.exec(this.output);
    if (printed !== null) return printed[1] ?? printed[0];
    const seen = new Promise<string>((resolve) => {
      this.lineListeners.add((line) => {
        const match = pattern.exec(line);
        if (match !== null) resolve(match[1] ?? match[0]);
      });
    });
    const ended = this.ended.then((code) => {
      throw new Error(`ringmesh ${this.args.join(' ')} ended with ${code} before it printed ${pattern}:\n${this.output}`);
    });
    return Promise.race([seen, ended]);
  }

  kill(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | NodeJS.Signals> {
    this.process.kill(signal);
    return this.ended;
  }
}

/** A worker that listens. */
export async function startWorker(packDir: string, shards: number[], listen = '127.0.0.1:0', args: string[] = []): Promise<RunningProcess> {
  return running(
    ['worker', '--pack', packDir, '--shards', shards.join(','), '--listen', listen, ...args],
    /^ringmesh worker listening on (\S+)/m,
  );
}

/** A router that listens; its model may still be loading. `workers`: addresses, or `local` for experts in its own process. */
export async function startRouter(packDir: string, workers: string[] | 'local', args: string[] = []): Promise<RunningProcess> {
  const experts = workers === 'local' ? [] : ['--workers', workers.join(',')];
  return running(['router', '--pack', packDir, '--port', '0', ...experts, ...args], /^ringmesh router listening on (\S+)/m);
}

export interface RunningProcess {
  process: RingmeshProcess;
  address: string;
}

/** A router with one worker process for each list of shards, ready to answer. No lists: experts in the router's own process. */
export class TestCluster {
  private constructor(
    readonly url: string,
    readonly router: RingmeshProcess,
    readonly workers: RunningProcess[],
  ) {}

  static async start(packDir: string, shardsOfWorkers: number[][], routerArgs: string[] = []): Promise<TestCluster> {
    const workers = await Promise.all(shardsOfWorkers.map((shards) => startWorker(packDir, shards)));
    const addresses = workers.map(({ address }) => address);
    const router = await startRouter(packDir, addresses.length === 0 ? 'local' : addresses, routerArgs);
    await untilReady(router.address);
    return new TestCluster(router.address, router.process, workers);
  }

  async close(): Promise<void> {
    await this.router.kill();
    await Promise.all(this.workers.map(({ process }) => process.kill()));
  }
}

/** Asks again and again until the answer satisfies; the caller's test timeout is the limit. */
export async function until<T>(ask: () => Promise<T>, satisfies: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (satisfies(answer)) return answer;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export async function untilReady(url: string): Promise<void> {
  await until(
    () => fetch(`${url}/ready`),
    ({ status }) => status === 200,
  );
}

/** The pack of a checkpoint, made once a run of the tests. */
export function packedModel(checkpointDir: string, method: 'f32' | 'q8' | 'q4' = 'f32'): Promise<string> {
  const quantization = method === 'f32' ? { method } : { method, blockSize: 128 };
  return ensurePack({ checkpointDir, quantization });
}

async function running(args: string[], pattern: RegExp): Promise<RunningProcess> {
  const process = new RingmeshProcess(args);
  return { process, address: await process.line(pattern) };
}
