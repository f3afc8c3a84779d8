/** An answer that is no complete one; its message is the kind that the report counts. */
export class FailedAnswer extends Error {}

/** A line longer than this is no event of an answer. */
const MAX_LINE_CHARS = 2 ** 20;

/** The `data:` fields of a stream of server-sent events, each as soon as its line is whole. An API's events have one data line each. */
export async function* eventData(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const bytes of body) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n');
    rest = lines.pop()!;
    if (rest.length > MAX_LINE_CHARS) throw new FailedAnswer('event too long');
    for (const line of lines) if (line.startsWith('data:')) yield line.slice(5).trim();
  }
}
