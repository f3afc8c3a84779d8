import { Readable } from 'node:stream';
import { ClientGoneError } from '../http/client-gone.js';
import { errorResponse } from './error-response.js';

export const SSE_CONTENT_TYPE = 'text/event-stream; charset=utf-8';
/** What else an event stream's response says: proxies must neither keep nor collect events (nginx reads the second one). */
export const SSE_HEADERS = { 'cache-control': 'no-cache', 'x-accel-buffering': 'no' };

/** Bytes of events made ahead of a slow reader; from there on the generation's events wait to be asked for. */
const READ_AHEAD_BYTES = 16 * 1024;

/**
 * The chunks as OpenAI's event stream: a `data:` line each, then `[DONE]`; or, where they fail, an error event and the end. Closing the
 * stream, as happens when the client leaves, returns `chunks`.
 * @throws what the first chunk fails with: it can still become an HTTP status instead of an event in a stream that said 200
 */
export async function eventStream(chunks: AsyncGenerator<object, void>, onError: (error: unknown) => void): Promise<Readable> {
  const first = await chunks.next();
  const stream = Readable.from(events(first, chunks, onError), { objectMode: false, highWaterMark: READ_AHEAD_BYTES });
  stream.once('close', () => void chunks.return().catch(onError));
  return stream;
}

async function* events(
  first: IteratorResult<object, void>,
  rest: AsyncGenerator<object, void>,
  onError: (error: unknown) => void,
): AsyncGenerator<string, void> {
  try {
    if (!first.done) yield event(first.value);
    for await (const chunk of rest) yield event(chunk);
    yield 'data: [DONE]\n\n';
  } catch (error) {
    if (!(error instanceof ClientGoneError)) onError(error);
    yield event(errorResponse(error).body);
  }
}

function event(data: object): string {
  return `data: ${JSON.stringify(data)}\n\n`;
}
