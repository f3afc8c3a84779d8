import { ShardUnavailableError } from '@ringmesh/core';
import { cut } from '@ringmesh/testing';
import fc from 'fast-check';
import type OpenAI from 'openai';
import { ResponseStream } from 'openai/lib/responses/ResponseStream';
import { describe, expect, it } from 'vitest';
import { generated, interleavedReplies } from '../../testing/replies.js';
import { testBuilder } from '../../testing/response-builder.js';
import { type ResponseEvent, responseEvents } from './response-builder.js';
import type { ResponseObject } from './response-object.js';

async function build(pieces: string[], reason: 'stop' | 'length' = 'stop'): Promise<{ events: ResponseEvent[]; response: ResponseObject }> {
  const builder = testBuilder();
  const events: ResponseEvent[] = [];
  for await (const event of responseEvents(generated(pieces, { reason }), builder, () => undefined)) events.push(event);
  return { events, response: builder.response() };
}

/** What OpenAI's client makes of the events. */
async function replay(events: ResponseEvent[]): Promise<OpenAI.Responses.Response> {
  const lines = events.map((event) => `${JSON.stringify(event)}\n`).join('');
  const stream = ResponseStream.fromReadableStream(new Blob([lines]).stream());
  return stream.finalResponse();
}

/** The types of the events of one item, deltas of the same type once. */
function typesOf(events: ResponseEvent[], index: number): string[] {
  const own = events.filter((event) => 'output_index' in event && event.output_index === index).map(({ type }) => type);
  return own.filter((type, position) => type !== own[position - 1]);
}

const ORDER = {
  reasoning: ['reasoning_text.delta', 'reasoning_text.done', 'content_part.done'],
  message: ['output_text.delta', 'output_text.done', 'content_part.done'],
  function_call: ['function_call_arguments.delta', 'function_call_arguments.done'],
};

describe('ResponseBuilder', () => {
  it('tells thought, answers and calls in every order as items, which the client puts together to the same response', async () => {
    const replies = fc.constantFrom(...interleavedReplies(4));
    await fc.assert(
      fc.asyncProperty(replies, fc.array(fc.nat(), { maxLength: 20 }), async ({ text, blocks }, cuts) => {
        const { events, response } = await build(cut(text, cuts));
        expect(events.map((event) => event.sequence_number)).toEqual(events.map((_, index) => index));
        expect(events.slice(0, 2).map(({ type }) => type)).toEqual(['response.created', 'response.in_progress']);
        expect(events.at(-1)).toMatchObject({ type: 'response.completed', response });
        expect(response).toMatchObject({
          status: 'completed',
          completed_at: 2,
          usage: { input_tokens: 3, total_tokens: 3 + cuts.length + 1 },
        });
        expect(response.output.map((item) => ({ reasoning: 'reasoning', message: 'content', function_call: 'call' })[item.type])).toEqual(
          blocks.map(({ type }) => type),
        );
        for (const [index, item] of response.output.entries()) {
          const part = item.type === 'function_call' ? [] : ['content_part.added'];
          const types = ['output_item.added', ...part, ...ORDER[item.type], 'output_item.done'];
          expect(typesOf(events, index)).toEqual(types.map((type) => `response.${type}`));
          expect(item.status).toBe('completed');
        }
        const { output, output_text } = await replay(events);
        expect(output).toMatchObject(response.output);
        expect(output_text).toBe(blocks.map((block) => (block.type === 'content' ? block.text : '')).join(''));
      }),
      { numRuns: 300 },
    );
  });

  it('has the client see each item grow', async () => {
    const { events } = await build([
      '<think>\nA',
      ' b\n</think>\n\nC',
      ' d<tool_call>\n{"name": "f", "arguments": {"x":',
      ' 1}}</tool_call>',
    ]);
    const seen = events.flatMap((event) => ('delta' in event ? [[event.output_index, event.delta]] : []));
    expect(seen).toEqual([
      [0, 'A'],
      [0, ' b'],
      [1, 'C'],
      [1, ' d'],
      [2, '{"x":'],
      [2, ' 1}'],
    ]);
    const added = events.flatMap((event) => (event.type === 'response.output_item.added' && 'item' in event ? [event.item] : []));
    expect(added).toMatchObject([
      { type: 'reasoning', id: 'rs_0', content: [], status: 'in_progress' },
      { type: 'message', id: 'msg_1', content: [], status: 'in_progress' },
      { type: 'function_call', id: 'fc_2', call_id: 'call_0', name: 'f', arguments: '', status: 'in_progress' },
    ]);
  });

  it('is incomplete where max_output_tokens cut it, and so is the last item', async () => {
    const { events, response } = await build(['<think>\nA\n</think>\n\nB'], 'length');
    expect(response).toMatchObject({ status: 'incomplete', completed_at: null, incomplete_details: { reason: 'max_output_tokens' } });
    expect(response.output.map(({ status }) => status)).toEqual(['completed', 'incomplete']);
    expect(events.at(-1)).toMatchObject({ type: 'response.incomplete', response });
    expect((await replay(events)).status).toBe('incomplete');
  });

  it('that fails tells why, and keeps what there was', async () => {
    const builder = testBuilder();
    const events = [...builder.start(0), ...builder.push({ type: 'token', text: 'Half', tokenId: 1 })];
    const failed = builder.fail(new ShardUnavailableError('shard 3'));
    expect(failed).toMatchObject({ type: 'response.failed', sequence_number: events.length });
    const error = { code: 'server_error', message: 'shard 3' };
    expect(builder.response()).toMatchObject({ status: 'failed', error, output: [{ status: 'incomplete', content: [{ text: 'Half' }] }] });
    expect(await replay([...events, failed])).toMatchObject({ status: 'failed', error });
  });

  it('without anything to say is complete and empty', async () => {
    const { response } = await build(['']);
    expect(response).toMatchObject({ status: 'completed', output: [] });
  });
});
