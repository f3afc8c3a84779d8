/** Asks GET /health at fixed times, whether the last answer has come or not. `node probe.ts '<options as JSON>'` prints a {@link ProbeResult}. */
import { Agent, get } from 'node:http';
import { setPriority } from 'node:os';

export interface ProbeOptions {
  url: string;
  seconds: number;
  intervalMs: number;
}

export interface ProbeResult {
  /** Milliseconds from each question to the end of its answer. */
  answerMs: number[];
  /** How late this process itself was with its most delayed question. */
  ownDelayMs: number;
  /** Whether it goes before other processes, which takes root: where not, it may measure its own waiting. */
  hasPriority: boolean;
  errors: string[];
}

const { url, seconds, intervalMs } = JSON.parse(process.argv[2]!) as ProbeOptions;
const agent = new Agent({ keepAlive: true });
const result: ProbeResult = { answerMs: [], ownDelayMs: 0, hasPriority: goFirst(), errors: [] };
const start = performance.now();
const pending: Promise<void>[] = [];
for (let due = start; due < start + seconds * 1000; due += intervalMs) {
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())));
  result.ownDelayMs = Math.max(result.ownDelayMs, performance.now() - due);
  pending.push(
    ask().then(
      (ms) => void result.answerMs.push(ms),
      (error: unknown) => void result.errors.push(String(error)),
    ),
  );
}
await Promise.all(pending);
agent.destroy();
console.log(JSON.stringify(result));

function ask(): Promise<number> {
  const sentAt = performance.now();
  return new Promise((resolve, reject) => {
    get(`${url}/health`, { agent, timeout: 30_000 }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`status ${response.statusCode}`));
      response.resume().once('end', () => resolve(performance.now() - sentAt));
    })
      .once('timeout', () => reject(new Error('no answer within 30 s')))
      .once('error', reject);
  });
}

function goFirst(): boolean {
  try {
    setPriority(-15);
    return true;
  } catch {
    return false;
  }
}
