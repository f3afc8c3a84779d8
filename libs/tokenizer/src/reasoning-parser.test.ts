import { cut, piecesOf } from '@ringmesh/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ReasoningParser } from './reasoning-parser.js';

function parse(pieces: string[], startsInside = false): { reasoning: string; content: string } {
  const parser = new ReasoningParser(startsInside);
  const splits = [...pieces.map((piece) => parser.push(piece)), parser.flush()];
  return { reasoning: splits.map((split) => split.reasoning).join(''), content: splits.map((split) => split.content).join('') };
}

const text = piecesOf('<think>', '</think>', '<think', '</', '>', '\n', ' ', 'a', '✓', '<');

describe('ReasoningParser', () => {
  it.each<[string, boolean, string, string]>([
    ['<think>\nOne.\n\nTwo.\n</think>\n\nThree.\n', false, 'One.\n\nTwo.', 'Three.\n'],
    ['\nOne.\n</think>\n\nTwo.', true, 'One.', 'Two.'],
    [' \n<think>a</think>b', false, 'a', 'b'],
    ['<think>\n\n</think>\n\nTwo.', false, '', 'Two.'],
    ['<think>a < b </thin', false, 'a < b </thin', ''],
    ['<think>', false, '', ''],
    ['never closed\n', true, 'never closed\n', ''],
    ['\n A plain answer with <think>tags</think>.', false, '', '\n A plain answer with <think>tags</think>.'],
    ['<thin', false, '', '<thin'],
    ['<think>a</think>b</think><think>c</think>', false, 'a', 'b</think><think>c</think>'],
    ['', false, '', ''],
  ])('%j (opened by the prompt: %s)', (whole, startsInside, reasoning, content) => {
    expect(parse([whole], startsInside)).toEqual({ reasoning, content });
  });

  it('gives the same however the text is cut', () => {
    fc.assert(
      fc.property(text, fc.boolean(), fc.array(fc.nat()), (whole, startsInside, cuts) => {
        expect(parse(cut(whole, cuts), startsInside)).toEqual(parse([whole], startsInside));
        expect(parse(whole.split(''), startsInside)).toEqual(parse([whole], startsInside));
      }),
      { numRuns: 2000 },
    );
  });

  it('loses nothing but the two tags and the line breaks beside them', () => {
    fc.assert(
      fc.property(text, fc.boolean(), (whole, startsInside) => {
        const { reasoning, content } = parse([whole], startsInside);
        const opened = startsInside ? whole : whole.replace(/^\s*<think>/, '');
        if (!startsInside && opened === whole) {
          expect({ reasoning, content }).toEqual({ reasoning: '', content: whole });
          return;
        }
        const end = opened.indexOf('</think>');
        const [thought, answer] = end === -1 ? [opened, ''] : [opened.slice(0, end), opened.slice(end + '</think>'.length)];
        expect(content).toBe(answer.replace(/^\n+/, ''));
        expect(reasoning).toBe(thought.replace(/^\n+/, '').replace(end === -1 ? '' : /\n+$/, ''));
      }),
      { numRuns: 2000 },
    );
  });

  it('shows a thought as it comes', () => {
    const parser = new ReasoningParser(false);
    const seen = ['<think>', '\n', 'One', ' two', '\n', 'three', '\n', '</think>', '\n\n', '4'].map((piece) => parser.push(piece));
    expect(seen.map(({ reasoning }) => reasoning)).toEqual(['', '', 'One', ' two', '', '\nthree', '', '', '', '']);
    expect(seen.at(-1)!.content).toBe('4');
  });
});
