import type { Tokenizer } from '@ringmesh/tokenizer';

/** The texts of all tokens that can be part of a tag, and of blanks, by id. Of a large vocabulary these are a few hundred. */
export function tagTexts(tokenizer: Tokenizer, tags: string[]): Map<number, string> {
  const texts = new Map<number, string>();
  for (let id = 0; id < tokenizer.vocabSize; id++) {
    const text = tokenizer.tokenText(id);
    if (text !== '' && (text.trim() === '' || tags.some((tag) => overlaps(text, tag)))) texts.set(id, text);
  }
  return texts;
}

/** Whether text and tag have a part in common that can be the same place of a longer text: one within the other, or end to beginning. */
function overlaps(text: string, tag: string): boolean {
  if (text.includes(tag) || tag.includes(text)) return true;
  for (let length = 1; length < Math.min(text.length, tag.length); length++) {
    if (text.endsWith(tag.slice(0, length)) || text.startsWith(tag.slice(-length))) return true;
  }
  return false;
}
