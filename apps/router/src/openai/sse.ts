import { Readable } from 'node:stream';
import { ClientGoneError } from '../http/client-gone.js';
import { errorResponse } from './error-response.js';

export const SSE_CONTENT_TYPE = 'text/event-stream; charset=utf-8';
/** What else an event stream's response says: proxies must neither keep nor collect events (nginx reads the second one). */
export const SSE_HEADERS = { 'cache-control': 'no-cache', 'x-accel-buffering': 'no' };

/** Bytes of events made ahead of a slow reader; from there on the generation's events wait to be asked for. */
const READ_AHEAD_BYTES = 16 * 1024;

/** How an API writes its events. */
export interface EventFormat {
  /** Each event's type is written before its data. */
  isNamed: boolean;
  /** What is written after the last event. */
  end: string;
  /** The event that tells of a failure, and ends the stream. */
  failure: (error: unknown) => object;
}

/** Of chats and completions. */
const OPENAI_CHUNKS: EventFormat = { isNamed: false, end: 'data: [DONE]\n\n', failure: (error) => errorResponse(error).body };

/**
 * The chunks as an event stream: by default as OpenAI's chats have it, a `data:` line each, then `[DONE]`; or, where they fail, an error event
 * and the end. Closing the stream, as happens when the client leaves, returns `chunks`.
 * @throws what the first chunk fails with: it can still become an HTTP status instead of an event in a stream that said 200
 */
export async function eventStream(
  chunks: AsyncGenerator<object, void>,
  onError: (error: unknown) => void,
  format = OPENAI_CHUNKS,
): Promise<Readable> {
  const first = await chunks.next();
  const stream = Readable.from(events(first, chunks, onError, format), { objectMode: false, highWaterMark: READ_AHEAD_BYTES });
  stream.once('close', () => void chunks.return().catch(onError));
  return stream;
}

async function* events(
  first: IteratorResult<object, void>,
  rest: AsyncGenerator<object, void>,
  onError: (error: unknown) => void,
  format: EventFormat,
): AsyncGenerator<string, void> {
  try {
    if (!first.done) yield event(first.value, format);
    for await (const chunk of rest) yield event(chunk, format);
    if (format.end !== '') yield format.end;
  } catch (error) {
    if (!(error instanceof ClientGoneError)) onError(error);
    yield event(format.failure(error), format);
  }
}

function event(data: object, { isNamed }: EventFormat): string {
  const name = isNamed && 'type' in data ? `event: ${String(data.type)}\n` : '';
  return `${name}data: ${JSON.stringify(data)}\n\n`;
}
