import { cut, piecesOf } from '@ringmesh/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ToolCallEvent, ToolCallParser } from './tool-call-parser.js';

interface Parsed {
  content: string;
  calls: { name: string; arguments: string }[];
}

function collect(events: ToolCallEvent[]): Parsed {
  const parsed: Parsed = { content: '', calls: [] };
  for (const event of events) {
    if (event.type === 'content') parsed.content += event.text;
    else if (event.type === 'call') parsed.calls[event.index] = { name: event.name, arguments: '' };
    else parsed.calls[event.index]!.arguments += event.text;
  }
  return parsed;
}

function parse(pieces: string[]): Parsed {
  const parser = new ToolCallParser();
  return collect([...pieces.flatMap((piece) => parser.push(piece)), ...parser.flush()]);
}

const call = (name: string, json: string): string => `<tool_call>\n{"name": "${name}", "arguments": ${json}}\n</tool_call>`;
const text = piecesOf(
  '<tool_call>',
  '</tool_call>',
  '{"name": "f", "arguments": ',
  '{"arguments": {}, "name": "g"}',
  '{"a": "<\\"}"',
  '{',
  '}',
  '"',
  '\n',
  ' x ',
  '</tool_c',
  '✓',
  call('h', '{"b": [1, {"c": "</tool_call>"}]}'),
);

describe('ToolCallParser', () => {
  it.each<[string, string, string, [string, string][]]>([
    ['a call', call('add', '{"a": 1}'), '', [['add', '{"a": 1}']]],
    [
      'text and two calls',
      `Let me see.\n${call('add', '{}')}\n${call('sub', '{"x": "}"}')}\n`,
      'Let me see.',
      [
        ['add', '{}'],
        ['sub', '{"x": "}"}'],
      ],
    ],
    ['text after a call', `${call('f', '{}')}\n\nDone. `, 'Done. ', [['f', '{}']]],
    ['the closing tag in a string', call('f', '{"x": "</tool_call>"}'), '', [['f', '{"x": "</tool_call>"}']]],
    ['fields in another order', '<tool_call>{"arguments": {"a": 1}, "name": "f"}</tool_call>', '', [['f', '{"a":1}']]],
    ['no arguments', '<tool_call>{"name": "f"}</tool_call>', '', [['f', '{}']]],
    ['arguments as a text', '<tool_call>{"name": "f", "arguments": "{\\"a\\": 1}"}</tool_call>', '', [['f', '{"a": 1}']]],
    ['no closing tag', '<tool_call>{"name": "f", "arguments": {"a": 1}}', '', [['f', '{"a": 1}']]],
    ['cut off in the arguments', '<tool_call>{"name": "f", "arguments": {"a": [1', '', [['f', '{"a": [1']]],
    ['closed in the arguments', '<tool_call>{"name": "f", "arguments": {"a": </tool_call>x', 'x', [['f', '{"a": ']]],
    ['cut off before', 'a\n<tool_call>{"name": "f", "argu', 'a\n<tool_call>{"name": "f", "argu', []],
    ['no JSON', 'a <tool_call>call f</tool_call> b', 'a <tool_call>call f</tool_call> b', []],
    ['broken JSON', '<tool_call>{"name": f}</tool_call>', '<tool_call>{"name": f}</tool_call>', []],
    ['no name', '<tool_call>{"arguments": {}}</tool_call>', '<tool_call>{"arguments": {}}</tool_call>', []],
    [
      'arguments that are a number',
      '<tool_call>{"name": "f", "arguments": 1}</tool_call>',
      '<tool_call>{"name": "f", "arguments": 1}</tool_call>',
      [],
    ],
    ['text after the arguments', '<tool_call>{"name": "f", "arguments": {}, "id": 1}</tool_call>', ', "id": 1}</tool_call>', [['f', '{}']]],
    ['a plain answer', ' 1 < 2 <tool \n', ' 1 < 2 <tool \n', []],
    ['a tag in a malformed call', `<tool_call>${call('f', '{}')}`, '<tool_call>', [['f', '{}']]],
  ])('%s', (_, whole, content, calls) => {
    expect(parse([whole])).toEqual({ content, calls: calls.map(([name, json]) => ({ name, arguments: json })) });
  });

  it('gives the same however the text is cut', () => {
    fc.assert(
      fc.property(text, fc.array(fc.nat()), (whole, cuts) => {
        expect(parse(cut(whole, cuts))).toEqual(parse([whole]));
        expect(parse(whole.split(''))).toEqual(parse([whole]));
      }),
      { numRuns: 3000 },
    );
  });

  it('gives every well-formed call back, and the text between', () => {
    const words = fc.stringMatching(/^[a-z ✓é{}"]{0,8}[a-z]$/).map((word) => word.trim());
    const calls = fc.record({
      name: fc.stringMatching(/^[A-Za-z0-9_-]{1,12}$/),
      given: fc.dictionary(fc.string(), fc.json()),
      before: words,
    });
    fc.assert(
      fc.property(fc.array(calls, { maxLength: 4 }), fc.array(fc.nat()), (list, cuts) => {
        const whole = list.map(({ name, given, before }) => `${before}\n${call(name, JSON.stringify(given))}\n`).join('');
        expect(parse(cut(whole, cuts))).toEqual({
          content: list.map(({ before }) => before).join(''),
          calls: list.map(({ name, given }) => ({ name, arguments: JSON.stringify(given) })),
        });
      }),
      { numRuns: 500 },
    );
  });

  it('loses no text but tags, blanks and the fields of calls', () => {
    fc.assert(
      fc.property(piecesOf('<tool_call>', 'no call', '</tool_call>', '{', '}', '"name"', '\n', 'x'), (whole) => {
        expect(parse(whole.split(''))).toEqual({ content: whole, calls: [] }); // "arguments" never comes, so nothing may vanish
      }),
      { numRuns: 1000 },
    );
  });

  it('tells the name before the arguments, and these as they come', () => {
    const parser = new ToolCallParser();
    const pieces = ['<tool', '_call>\n', '{"name": ', '"f", "arg', 'uments": ', '{"a": "b', ' c", ', '"d": 1}', '}\n</tool_', 'call>'];
    expect(pieces.map((piece) => parser.push(piece))).toEqual([
      [],
      [],
      [],
      [],
      [],
      [
        { type: 'call', index: 0, name: 'f' },
        { type: 'arguments', index: 0, text: '{"a": "b' },
      ],
      [{ type: 'arguments', index: 0, text: ' c", ' }],
      [{ type: 'arguments', index: 0, text: '"d": 1}' }],
      [],
      [],
    ]);
    expect(parser.flush()).toEqual([]);
  });
});
