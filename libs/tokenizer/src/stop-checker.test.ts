import { InvalidRequestError } from '@ringmesh/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { StopChecker } from './stop-checker.js';

interface Result {
  text: string;
  stopped: string | undefined;
}

/** The definition: at each end of the text, the longest stop string that the text now ends with. */
function naive(text: string, stops: readonly string[], includeStopString: boolean): Result {
  for (let end = 1; end <= text.length; end++) {
    const seen = text.slice(0, end);
    const [stopped] = stops.filter((stop) => seen.endsWith(stop)).sort((a, b) => b.length - a.length);
    if (stopped !== undefined) return { text: includeStopString ? seen : seen.slice(0, end - stopped.length), stopped };
  }
  return { text, stopped: undefined };
}

function run(pieces: readonly string[], stops: readonly string[], includeStopString: boolean): Result {
  const checker = new StopChecker(stops, { includeStopString });
  let text = '';
  for (const piece of pieces) {
    const { emit, stopped } = checker.push(piece);
    text += emit;
    if (stopped !== undefined) return { text, stopped };
  }
  return { text: text + checker.flush(), stopped: undefined };
}

const few = fc.constantFrom('a', 'b');

test('equals the definition, however the text is cut', () => {
  const pieces = fc.array(fc.string({ unit: few, maxLength: 5 }), { maxLength: 12 });
  const stops = fc.array(fc.string({ unit: few, minLength: 1, maxLength: 6 }), { maxLength: 4 });
  fc.assert(
    fc.property(pieces, stops, fc.boolean(), (texts, stopStrings, includeStopString) => {
      expect(run(texts, stopStrings, includeStopString)).toEqual(naive(texts.join(''), stopStrings, includeStopString));
    }),
    { numRuns: 5000 },
  );
});

test('holds back no more than could become a stop string', () => {
  fc.assert(
    fc.property(fc.string({ unit: few, maxLength: 12 }), fc.array(fc.string({ unit: few, minLength: 1, maxLength: 5 })), (text, stops) => {
      const checker = new StopChecker(stops);
      const { emit, stopped } = checker.push(text);
      if (stopped !== undefined) return;
      const held = text.slice(emit.length);
      expect(held === '' || stops.some((stop) => stop.startsWith(held))).toBe(true);
    }),
    { numRuns: 2000 },
  );
});

describe('text', () => {
  test('without stop strings goes straight through', () => {
    const checker = new StopChecker([]);
    expect(checker.push('any')).toEqual({ emit: 'any' });
    expect(checker.flush()).toBe('');
  });

  test('is shown once it cannot be a stop string any more', () => {
    const checker = new StopChecker(['\n\nHuman:']);
    expect([checker.push('Hi.\n'), checker.push('\nHu'), checker.push('ge\n')]).toEqual([
      { emit: 'Hi.' },
      { emit: '' },
      { emit: '\n\nHuge' },
    ]);
    expect(checker.flush()).toBe('\n');
  });

  test('after the stop string is dropped', () => {
    const checker = new StopChecker(['END']);
    expect(checker.push('a END b')).toEqual({ emit: 'a ', stopped: 'END' });
    expect(checker.push('more')).toEqual({ emit: '', stopped: 'END' });
    expect(checker.flush()).toBe('');
  });
});

test('a long stop string costs no more than its length', () => {
  const half = 'a'.repeat(200_000);
  const checker = new StopChecker([`${half}b`]);
  const started = performance.now();
  for (let index = 0; index < 1000; index++) checker.push('a'.repeat(400));
  expect(performance.now() - started).toBeLessThan(5000);
  expect(checker.push('b')).toEqual({ emit: '', stopped: `${half}b` });
});

test('an empty stop string is refused', () => {
  expect(() => new StopChecker(['a', ''])).toThrow(InvalidRequestError);
});
