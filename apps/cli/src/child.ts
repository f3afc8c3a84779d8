import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { ALLOCATOR_ENVIRONMENT, ProcessEndedError } from '@ringmesh/core';
import { untilReady } from './until-ready.js';

const MAIN = fileURLToPath(new URL('./main.js', import.meta.url));

/** One of our own processes: a worker or the router. It ends by itself when this process is gone, because their channel closes. */
export class Child {
  private readonly process: ChildProcess;
  private readonly startedAt = performance.now();
  /** From its start until it could answer; null while it cannot. */
  readySeconds: number | null = null;
  /** Resolves when the process has ended. */
  readonly ended: Promise<string>;

  constructor(
    readonly name: string,
    args: string[],
    environment: NodeJS.ProcessEnv = {},
  ) {
    this.process = spawn(process.execPath, [MAIN, ...args], {
      // A group of its own: Ctrl-C reaches the launcher only, which ends its children in order.
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
      // A cluster of this machine's own has nothing to look for in a registry, and nothing to tell it; keys are for who must know them.
      env: { ...ALLOCATOR_ENVIRONMENT, ...process.env, REDIS_URL: undefined, RINGMESH_API_KEY: undefined, ...environment },
    });
    // Should this process end at once, nothing is left behind.
    process.once('exit', () => this.process.kill('SIGKILL'));
    this.ended = new Promise((resolve) => {
      this.process.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
      this.process.once('error', (error) => resolve(error.message));
    });
  }

  /** Undefined where it could not be started. */
  get pid(): number | undefined {
    return this.process.pid;
  }

  /** What the process prints once it listens: the groups of the first match of `pattern` in its output. */
  async listening(pattern: RegExp): Promise<string[]> {
    const lines = createInterface({ input: this.process.stdout! });
    const found = (async () => {
      for await (const line of lines) {
        const match = pattern.exec(line);
        if (match !== null) return match.slice(1);
      }
      throw await this.endedError();
    })();
    const groups = await found;
    this.process.stdout!.resume();
    return groups;
  }

  /** Resolves when it answers requests, or when `signal` is aborted. @param onWait is told what is missing */
  async untilReady(url: string, signal: AbortSignal, onWait?: (details: string[]) => void): Promise<void> {
    await untilReady(url, signal, onWait);
    if (!signal.aborted) this.readySeconds = (performance.now() - this.startedAt) / 1000;
  }

  /** What it means that the process has ended though nobody told it to. */
  async endedError(): Promise<ProcessEndedError> {
    return new ProcessEndedError(`the ${this.name} ended unexpectedly: ${await this.ended}`);
  }

  /** Ends it in order, or, where it does not react, by force. */
  async stop(graceMs: number): Promise<void> {
    this.process.kill('SIGTERM');
    const force = setTimeout(() => this.process.kill('SIGKILL'), graceMs);
    await this.ended;
    clearTimeout(force);
  }
}
