import type { TextEvent } from '../generation/generate-text.js';
import type { AdmittedSequence } from './admitted-sequence.js';
import { within } from './within.js';

/**
 * Generates for a sequence as soon as its key lets it, and tells its admission how far it is.
 * @throws DeadlineExceededError where its key lets it not in time
 */
export async function* admitted(
  generate: () => AsyncGenerator<TextEvent, void>,
  sequence: AdmittedSequence,
  { signal, timeoutSeconds }: { signal: AbortSignal; timeoutSeconds?: number | undefined },
): AsyncGenerator<TextEvent, void> {
  try {
    await within(timeoutSeconds, signal, (turn) => sequence.slot(turn));
    for await (const event of generate()) {
      if (event.type === 'token') sequence.generated();
      else if (event.type === 'started') sequence.started();
      yield event;
    }
  } finally {
    sequence.ended();
  }
}
