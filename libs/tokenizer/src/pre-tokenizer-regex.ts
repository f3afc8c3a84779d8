/** The characters outside of ASCII that fold to an ASCII letter (Unicode's CaseFolding.txt): long s and the Kelvin sign. */
const FOLDS_TO: ReadonlyMap<string, string> = new Map([
  ['s', '\u017f'],
  ['k', '\u212a'],
]);

const CASE_INSENSITIVE_GROUP = /\(\?i:[^()]*\)/g;
const ESCAPE_CLASS_OR_LETTER = /\\.|\[(?:\\.|[^\]])*\]|[skSK]/gs;

/**
 * Adds to the letters of each `(?i:…)` group those that fold to them outside of ASCII: Oniguruma, which Hugging Face runs, matches `'ſ` with
 * `'(?i:s)`, @huggingface/tokenizers 0.2.0 knows ASCII letters only. The rest of its translation to JavaScript is right as far as our models'
 * regex goes: `\s` becomes `\p{White_Space}`, and the possessive quantifiers, which JavaScript lacks, stand where giving back could not
 * help. Letters inside ranges, and groups that hold groups, are left as they are.
 */
export function withUnicodeCaseFolding(regex: string): string {
  return regex.replace(CASE_INSENSITIVE_GROUP, (group) => group.replace(ESCAPE_CLASS_OR_LETTER, addFolds));
}

function addFolds(part: string): string {
  if (part.startsWith('\\')) return part;
  const letters = part.replace(/\\./gs, '').toLowerCase();
  const folds = [...FOLDS_TO].filter(([letter]) => letters.includes(letter)).map(([, fold]) => fold);
  return part.startsWith('[') ? `${part.slice(0, -1)}${folds.join('')}]` : `[${part}${folds.join('')}]`;
}
