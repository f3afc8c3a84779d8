import { setTimeout as delay } from 'node:timers/promises';
import { ProgressLine } from './progress.js';

const POLL_MS = 100;

/** Waits until every shard of the model is reachable, showing what is missing. Whoever waits no longer aborts `signal`. */
export async function untilReady(url: string, signal: AbortSignal): Promise<void> {
  const line = new ProgressLine();
  while (!signal.aborted) {
    const { isReady, details } = await ask(url);
    line.update(isReady ? 'ready' : `starting: ${details.join('; ')}`, isReady);
    if (isReady) return;
    await delay(POLL_MS);
  }
}

async function ask(url: string): Promise<{ isReady: boolean; details: string[] }> {
  try {
    const response = await fetch(`${url}/ready`);
    const { details = [] } = (await response.json()) as { details?: string[] };
    return { isReady: response.ok, details };
  } catch (error) {
    return { isReady: false, details: [`the router does not answer: ${String(error)}`] };
  }
}
