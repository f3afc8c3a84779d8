import { readFileSync } from 'node:fs';

/** A prompt, and what the model is made to answer: so every run decodes the same, whatever a model of random weights would say. */
export interface Text {
  name: string;
  promptIds: number[];
  answerIds: number[];
}

const PROMPT_TOKENS = 400;
const ANSWER_TOKENS = 240;
const source = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');

/** @param seed another one, other token ids: sequences that decode at once are not the same */
export function textsOf(vocabSize: number, seed: number): Text[] {
  const idOf = (piece: string): number => hash(`${seed} ${piece}`) % vocabSize;
  const code = pieces(source('../../../libs/engine/src/engine-options.ts')).map(idOf);
  const quoted = code.slice(0, PROMPT_TOKENS);
  const prose = pieces(source('../../../docs/scheduling.md')).map(idOf);
  const cut = (name: string, ids: number[]): Text => ({
    name,
    promptIds: ids.slice(0, PROMPT_TOKENS),
    answerIds: ids.slice(PROMPT_TOKENS, PROMPT_TOKENS + ANSWER_TOKENS),
  });
  return [
    // A file is written again with a change here and there.
    cut('quotation', [...quoted, ...quoted.slice(100).map((id, index) => (index % 40 === 39 ? idOf(`change ${index}`) : id))]),
    cut('code', code),
    cut('prose', prose),
    cut(
      'no repetition',
      Array.from({ length: PROMPT_TOKENS + ANSWER_TOKENS }, (_, index) => (hash(`${seed}`) + index * 7) % vocabSize),
    ),
  ];
}

/** Words, blanks and signs: about what a tokenizer makes of a text. */
function pieces(text: string): string[] {
  return text.match(/ ?\w{1,6}|\s+|[^\w\s]/g)!;
}

function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  return value >>> 0;
}
