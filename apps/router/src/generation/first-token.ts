import type { TextEvent } from './generate-text.js';

/** Hands events on, and tells when the first token comes, or that none did: then the prompt is in the prefix cache, or will not be. */
export async function* tellFirstToken(events: AsyncGenerator<TextEvent, void>, tell: () => void): AsyncGenerator<TextEvent, void> {
  try {
    for await (const event of events) {
      if (event.type === 'token') tell();
      yield event;
    }
  } finally {
    tell();
  }
}

/** Generates once something is there to be shared. @throws `signal.reason` */
export async function* onceReady(
  ready: Promise<null> | undefined,
  signal: AbortSignal,
  generate: () => AsyncGenerator<TextEvent, void>,
): AsyncGenerator<TextEvent, void> {
  await ready;
  signal.throwIfAborted();
  yield* generate();
}
