/** Code points in ascending ranges, both ends within, which neither overlap nor touch. Surrogates are no characters: they are in none. */
export type CodePoints = readonly (readonly [low: number, high: number])[];

const MAX = 0x10ffff;
const SURROGATES = [0xd800, 0xdfff] as const;

export const ANY: CodePoints = [
  [0, SURROGATES[0] - 1],
  [SURROGATES[1] + 1, MAX],
];

/** Of ranges in any order, which may overlap. */
export function codePoints(...ranges: (readonly [number, number])[]): CodePoints {
  const merged: [number, number][] = [];
  for (const [low, high] of ranges.flatMap(withoutSurrogates).sort((a, b) => a[0] - b[0])) {
    const last = merged.at(-1);
    if (last !== undefined && low <= last[1] + 1) last[1] = Math.max(last[1], high);
    else merged.push([low, high]);
  }
  return merged;
}

export function complement(set: CodePoints): CodePoints {
  const gaps: [number, number][] = [];
  let next = 0;
  for (const [low, high] of set) {
    if (low > next) gaps.push([next, low - 1]);
    next = high + 1;
  }
  if (next <= MAX) gaps.push([next, MAX]);
  return codePoints(...gaps);
}

function withoutSurrogates([low, high]: readonly [number, number]): [number, number][] {
  const [first, last] = SURROGATES;
  const parts: [number, number][] = [
    [low, Math.min(high, first - 1)],
    [Math.max(low, last + 1), high],
  ];
  return parts.filter(([from, to]) => from <= to);
}

const character = (text: string): readonly [number, number] => [text.codePointAt(0)!, text.codePointAt(0)!];

/** The classes of ECMAScript's regular expressions, without flags. */
export const DIGITS = codePoints([0x30, 0x39]);
export const WORD = codePoints([0x30, 0x39], [0x41, 0x5a], [0x61, 0x7a], character('_'));
export const SPACE = codePoints(
  [0x09, 0x0d],
  ...Array.from(' \u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff', character),
  [0x2000, 0x200a],
);
export const LINE_ENDS = codePoints(...Array.from('\n\r\u2028\u2029', character));
/** What `\s` writes: of the many blanks, those that a reader of any kind takes for one. */
export const PLAIN_SPACE = codePoints([0x09, 0x0d], character(' '));
