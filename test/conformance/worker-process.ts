import type { RawWorkerOptions } from '@ringmesh/worker';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const MAIN = join(import.meta.dirname, 'worker-main.mjs');

/** A worker in a process of its own: one that can be stopped and killed. */
export interface WorkerProcess {
  address: string;
  kill(signal: NodeJS.Signals): void;
  /** Resolves with the exit code, or null after SIGKILL. */
  ended: Promise<number | null>;
}

/** Resolves when it listens. */
export async function startWorkerProcess(options: RawWorkerOptions): Promise<WorkerProcess> {
  const json = JSON.stringify({ listen: '127.0.0.1:0', threads: '1', logLevel: 'error', ...options });
  const child: ChildProcess = spawn(process.execPath, [MAIN, json], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  const ended = once(child, 'exit').then(([code]) => code as number | null);
  const listening = once(createInterface({ input: child.stdout! }), 'line').then(([line]) => line as string);
  const failed = ended.then((code) => Promise.reject(new Error(`the worker ended with ${code} before it listened`)));
  const address = await Promise.race([listening, failed]);
  // From now on its end is no failure.
  failed.catch(() => undefined);
  return { address, kill: (signal) => child.kill(signal), ended };
}
