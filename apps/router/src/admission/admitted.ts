import type { TextEvent } from '../generation/generate-text.js';
import type { AdmittedSequence } from './admitted-sequence.js';

/** Generates for a sequence as soon as its key lets it, and tells its admission how far it is. */
export async function* admitted(
  generate: () => AsyncGenerator<TextEvent, void>,
  sequence: AdmittedSequence,
  signal: AbortSignal,
): AsyncGenerator<TextEvent, void> {
  try {
    const heldSeconds = await sequence.slot(signal);
    for await (const event of generate()) {
      if (event.type === 'token') {
        sequence.generated();
        yield event;
      } else if (event.type === 'started') {
        sequence.started();
        yield { ...event, queueSeconds: heldSeconds + event.queueSeconds };
      } else {
        yield event;
      }
    }
  } finally {
    sequence.ended();
  }
}
