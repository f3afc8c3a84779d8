import { setTimeout as delay } from 'node:timers/promises';
import { ProgressLine } from './progress.js';

const POLL_MS = 100;

/** Waits until every shard of the model is reachable, showing what is missing. */
export async function untilReady(url: string): Promise<void> {
  const line = new ProgressLine();
  for (;;) {
    const response = await fetch(`${url}/ready`);
    const { details = [] } = (await response.json()) as { details?: string[] };
    line.update(response.ok ? 'ready' : `starting: ${details.join('; ')}`, response.ok);
    if (response.ok) return;
    await delay(POLL_MS);
  }
}
