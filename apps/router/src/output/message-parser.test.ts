import { cut, piecesOf, SAMPLE_MODEL } from '@ringmesh/testing';
import { IncrementalDetokenizer, Tokenizer } from '@ringmesh/tokenizer';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MessageParser } from './message-parser.js';
import type { MessageFormat } from './part-parser.js';

const tokenizer = await Tokenizer.load(SAMPLE_MODEL);
const CALL = '<tool_call>\n{"name": "f", "arguments": {"x": "✓ </think>"}}\n</tool_call>';

interface Parsed {
  reasoning: string;
  content: string;
  calls: { id: string; name: string; arguments: string }[];
}

function parse(pieces: string[], { parallel = true, startsInside = false } = {}): Parsed {
  let numIds = 0;
  const format: MessageFormat = { reasoning: { startsInside }, toolCalls: { parallel, newId: () => `id-${numIds++}` } };
  const parser = new MessageParser(format);
  const parsed: Parsed = { reasoning: '', content: '', calls: [] };
  for (const { reasoning, content, toolCalls } of [...pieces.map((piece) => parser.push(piece)), parser.end('')]) {
    parsed.reasoning += reasoning;
    parsed.content += content;
    for (const { index, id, function: part } of toolCalls) {
      if (id !== undefined) parsed.calls[index] = { id, name: part.name!, arguments: '' };
      parsed.calls[index]!.arguments += part.arguments;
    }
  }
  expect(parser.hasToolCalls).toBe(parsed.calls.length > 0);
  return parsed;
}

/** The text as it comes from a model: of its tokens, one at a time. */
function piecesOfTokens(text: string): string[] {
  const detokenizer = new IncrementalDetokenizer(tokenizer);
  return [...tokenizer.encode(text).map((id) => detokenizer.push(id)), detokenizer.flush()];
}

const text = piecesOf('<think>', '</think>', '\n', 'a ✓ 思考 ', '{', '<tool_call>', '</tool_call>', CALL, `<think>\n${CALL}`);

describe('MessageParser', () => {
  it('parts thought, answer and calls; calls in a thought are thought', () => {
    expect(parse([`<think>\nHm. ${CALL}x</think>\n\nSo:\n${CALL}\n${CALL}`])).toEqual({
      reasoning: 'Hm. <tool_call>\n{"name": "f", "arguments": {"x": "✓ ',
      content: '"}}\n</tool_call>x</think>\n\nSo:',
      calls: [
        { id: 'id-0', name: 'f', arguments: '{"x": "✓ </think>"}' },
        { id: 'id-1', name: 'f', arguments: '{"x": "✓ </think>"}' },
      ],
    });
  });

  it('keeps to the first call where one was asked for', () => {
    const { content, calls } = parse([`${CALL}\n${CALL}\nx`], { parallel: false });
    expect({ content, count: calls.length }).toEqual({ content: 'x', count: 1 });
  });

  it('gives the same for any cut, and for the tokens of a real tokenizer', () => {
    fc.assert(
      fc.property(text, fc.array(fc.nat()), fc.boolean(), fc.boolean(), (whole, cuts, parallel, startsInside) => {
        const options = { parallel, startsInside };
        expect(parse(cut(whole, cuts), options)).toEqual(parse([whole], options));
        expect(parse(piecesOfTokens(whole), options)).toEqual(parse([whole], options));
      }),
      { numRuns: 1000 },
    );
  });
});
