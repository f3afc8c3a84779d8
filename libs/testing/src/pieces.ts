import fc from 'fast-check';

/** Texts made of the parts, in any order. */
export function piecesOf(...parts: string[]): fc.Arbitrary<string> {
  return fc.array(fc.constantFrom(...parts), { maxLength: 14 }).map((list) => list.join(''));
}

/** The text in pieces, which may be empty, cut at the numbers modulo its length. */
export function cut(text: string, cuts: number[]): string[] {
  const ends = [...cuts.map((at) => at % (text.length + 1)), text.length].sort((a, b) => a - b);
  return ends.map((end, index) => text.slice(ends[index - 1] ?? 0, end));
}
