import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { ALLOCATOR_ENVIRONMENT, ListenFailedError } from '@ringmesh/core';

const MAIN = fileURLToPath(new URL('./main.js', import.meta.url));

/** One of our own processes: a worker or the router. It ends by itself when this process is gone, because their channel closes. */
export class Child {
  private readonly process: ChildProcess;
  /** Resolves when the process has ended. */
  readonly ended: Promise<string>;

  constructor(
    readonly name: string,
    private readonly args: string[],
  ) {
    this.process = spawn(process.execPath, [MAIN, ...args], {
      // A group of its own: Ctrl-C reaches the launcher only, which ends its children in order.
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
      env: { ...ALLOCATOR_ENVIRONMENT, ...process.env },
    });
    this.ended = new Promise((resolve) => {
      this.process.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
      this.process.once('error', (error) => resolve(error.message));
    });
  }

  /** The address that the process prints once it listens: the first match of `pattern` in its output. */
  async address(pattern: RegExp): Promise<string> {
    const lines = createInterface({ input: this.process.stdout! });
    const found = (async () => {
      for await (const line of lines) {
        const match = pattern.exec(line)?.[1];
        if (match !== undefined) return match;
      }
      throw new ListenFailedError(`${this.name} ended before it listened (${await this.ended}): ringmesh ${this.args.join(' ')}`);
    })();
    const address = await found;
    this.process.stdout!.resume();
    return address;
  }

  async stop(): Promise<void> {
    this.process.kill('SIGTERM');
    await this.ended;
  }
}
