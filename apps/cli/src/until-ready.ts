import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 50;

/**
 * Waits until GET /ready of a process says yes. Whoever waits no longer aborts `signal`.
 * @param onWait is told what is missing
 */
export async function untilReady(url: string, signal: AbortSignal, onWait?: (details: string[]) => void): Promise<void> {
  while (!signal.aborted) {
    const { isReady, details } = await ask(url);
    if (isReady) return;
    onWait?.(details);
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
