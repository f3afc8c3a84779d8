import { cut } from '@ringmesh/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { interleavedReplies, testFormat } from '../testing/replies.js';
import { type Block, BlockBuilder, type BlockEvent } from './block-builder.js';
import { PartParser } from './part-parser.js';

const REPLIES = interleavedReplies(5);

function build(pieces: string[]): { blocks: Block[]; events: BlockEvent[] } {
  const parser = new PartParser(testFormat());
  const builder = new BlockBuilder();
  const events = [...pieces.flatMap((piece) => builder.push(parser.push(piece))), ...builder.push(parser.end('')), ...builder.end()];
  return { blocks: builder.blocks, events };
}

/** What the events say alone, if they are in order: a block begins, grows and ends before the next. */
function replay(events: BlockEvent[]): string[] {
  const texts: string[] = [];
  let open = -1;
  for (const event of events) {
    if (event.type === 'start') {
      expect([open, event.index]).toEqual([-1, texts.length]);
      open = event.index;
      texts.push('');
    } else {
      expect(event.index).toBe(open);
      if (event.type === 'delta') {
        expect(event.text).not.toBe('');
        texts[open] = texts[open]! + event.text;
      } else {
        open = -1;
      }
    }
  }
  expect(open).toBe(-1);
  return texts;
}

describe('BlockBuilder', () => {
  it('keeps thought, answers and calls in every order, however the text is cut', () => {
    fc.assert(
      fc.property(fc.constantFrom(...REPLIES), fc.array(fc.nat()), ({ text, blocks }, cuts) => {
        const built = build(cut(text, cuts));
        expect(built.blocks).toEqual(blocks);
        expect(replay(built.events)).toEqual(blocks.map((block) => (block.type === 'call' ? block.arguments : block.text)));
      }),
      { numRuns: 1000 },
    );
  });

  it('ends what was cut in the middle', () => {
    for (const { text } of REPLIES) {
      for (let length = 0; length <= text.length; length += 7) {
        const { blocks, events } = build([text.slice(0, length)]);
        expect(replay(events)).toHaveLength(blocks.length);
      }
    }
  });

  it('says of a call what it is before its arguments come', () => {
    const { events } = build(['Hi <tool_call>\n{"name": "f", "arguments": {"x"', ': 1}}</tool_call>']);
    const call = { type: 'call', id: 'call_0', name: 'f', arguments: '{"x": 1}' };
    expect(events.map(({ type }) => type)).toEqual(['start', 'delta', 'stop', 'start', 'delta', 'delta', 'stop']);
    expect(events[3]).toEqual({ type: 'start', index: 1, block: call });
  });
});
