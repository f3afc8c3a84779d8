import { describe, expect, it } from 'vitest';
import { parseBytes, parseChoice, parseInteger, parseSeconds } from './option-values.js';

describe('option values', () => {
  it('are undefined where the option was not given', () => {
    expect([parseInteger('--n', undefined, 0, 1), parseChoice('--n', undefined, ['a']), parseBytes('--n', undefined)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(parseSeconds('--n', undefined, 0, 1)).toBeUndefined();
  });

  it.each([
    ['an integer', parseInteger('--n', '16', 1, 16), 16],
    ['a choice', parseChoice('--n', 'q4', ['q8', 'q4']), 'q4'],
    ['bytes', parseBytes('--n', '123'), 123],
    ['binary units', parseBytes('--n', '1.5 GiB'), 1.5 * 2 ** 30],
    ['decimal units', parseBytes('--n', '512MB'), 512e6],
    ['seconds', parseSeconds('--n', '30', 0, 60), 30_000],
    ['milliseconds', parseSeconds('--n', '500ms', 0, 60), 500],
    ['minutes', parseSeconds('--n', '0.5m', 0, 60), 30_000],
    ['hours', parseSeconds('--n', '2h', 0, 7200), 7_200_000],
  ])('%s', (_, value, expected) => {
    expect(value).toBe(expected);
  });

  it.each([
    ['an integer from 1 to 16', () => parseInteger('--n', '17', 1, 16)],
    ['an integer from 1 to 16', () => parseInteger('--n', '1.5', 1, 16)],
    ['an integer from 1 to 16', () => parseInteger('--n', '', 1, 16)],
    ['an integer from 1 to 16', () => parseInteger('--n', '0x10', 1, 16)],
    ['one of q8, q4', () => parseChoice('--n', 'q5', ['q8', 'q4'])],
    ['a size', () => parseBytes('--n', '2 parsecs')],
    ['a size', () => parseBytes('--n', '-1')],
    ['a time from 0 to 60 seconds', () => parseSeconds('--n', '2m', 0, 60)],
    ['a time from 0 to 60 seconds', () => parseSeconds('--n', 'NaN', 0, 60)],
  ])('must be %s', (expected, parse) => {
    expect(parse).toThrow(
      expect.objectContaining({
        name: 'InvalidOptionError',
        field: '--n',
        message: expect.stringMatching(`^--n: ".*" is not ${expected}`) as string,
      }),
    );
  });
});
