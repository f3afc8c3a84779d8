import { MessageStream } from '@anthropic-ai/sdk/lib/MessageStream';
import type Anthropic from '@anthropic-ai/sdk';
import { cut } from '@ringmesh/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ARGUMENTS, generated, interleavedReplies, testFormat } from '../../testing/replies.js';
import { MessageBuilder, messageEvents } from './message-builder.js';
import type { MessageEvent, MessageObject } from './message-object.js';

type Finished = NonNullable<Parameters<typeof generated>[1]>;

async function build(
  pieces: string[],
  { includeReasoning = true, ...finished }: Finished & { includeReasoning?: boolean } = {},
): Promise<{ events: MessageEvent[]; message: MessageObject }> {
  const builder = new MessageBuilder({ id: 'msg_1', model: 'm', promptTokens: 3, format: testFormat(), includeReasoning });
  const events: MessageEvent[] = [];
  for await (const event of messageEvents(generated(pieces, finished), builder)) events.push(event);
  return { events, message: builder.message() };
}

/** What Anthropic's client makes of the events. */
async function replay(events: MessageEvent[]): Promise<Anthropic.Message> {
  const lines = events.map((event) => `${JSON.stringify(event)}\n`).join('');
  return MessageStream.fromReadableStream(new Blob([lines]).stream()).finalMessage();
}

const blocksOf = (events: MessageEvent[]): MessageEvent[] => events.filter(({ type }) => type.startsWith('content_block'));

describe('MessageBuilder', () => {
  it('tells thought, answers and calls in every order as blocks, which the client puts together to the same message', async () => {
    const replies = fc.constantFrom(...interleavedReplies(4));
    await fc.assert(
      fc.asyncProperty(replies, fc.array(fc.nat(), { maxLength: 20 }), async ({ text, blocks }, cuts) => {
        const { events, message } = await build(cut(text, cuts));
        expect(message.content).toEqual(
          blocks.map((block) => {
            if (block.type === 'call') return { type: 'tool_use', id: block.id, name: block.name, input: JSON.parse(ARGUMENTS) as unknown };
            if (block.type === 'reasoning') return { type: 'thinking', thinking: block.text, signature: '' };
            return { type: 'text', text: block.text, citations: null };
          }),
        );
        expect(message.stop_reason).toBe(blocks.some(({ type }) => type === 'call') ? 'tool_use' : 'end_turn');
        const types = events.map(({ type }) => type);
        expect(types.slice(0, 2)).toEqual(['message_start', 'ping']);
        expect(types.slice(-2)).toEqual(['message_delta', 'message_stop']);
        const ends = blocksOf(events).filter(({ type }) => type !== 'content_block_delta');
        expect(ends.map((event) => 'index' in event && [event.type, event.index])).toEqual(
          blocks.flatMap((_, index) => [
            ['content_block_start', index],
            ['content_block_stop', index],
          ]),
        );
        expect(await replay(events)).toMatchObject(message);
      }),
      { numRuns: 300 },
    );
  });

  it('counts thoughts that it keeps back, and pings meanwhile', async () => {
    const thought = Array.from({ length: 70 }, () => 'x');
    const { events, message } = await build(['<think>\n', ...thought, '\n</think>\n\nHi'], { includeReasoning: false });
    expect(message).toMatchObject({ content: [{ type: 'text', text: 'Hi' }], usage: { output_tokens: 72 } });
    expect(events.filter(({ type }) => type === 'ping')).toHaveLength(3);
    expect(blocksOf(events)).toHaveLength(3);
  });

  it.each<[string, Finished, object]>([
    ['its limit', { reason: 'length' }, { stop_reason: 'max_tokens', stop_sequence: null }],
    ['a stop sequence', { stopReason: 'END' }, { stop_reason: 'stop_sequence', stop_sequence: 'END' }],
    ['its end', {}, { stop_reason: 'end_turn', stop_sequence: null }],
  ])('says that it ended at %s', async (_, finished, expected) => {
    const { events, message } = await build(['Hi'], finished);
    expect(message).toMatchObject(expected);
    expect(await replay(events)).toMatchObject(expected);
  });

  it('tells input that is no JSON object as it is', async () => {
    const { message } = await build(['<tool_call>\n{"name": "f", "arguments": {"x": 1'], { reason: 'length' });
    expect(message.content).toMatchObject([{ type: 'tool_use', input: { INVALID_JSON: '{"x": 1' } }]);
  });
});
