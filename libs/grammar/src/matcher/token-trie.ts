import { createHash } from 'node:crypto';
import type { Tokenizer } from '@ringmesh/tokenizer';

/**
 * The tokens of a vocabulary that are text, as a trie over their bytes in depth-first order: a node's descendants follow it, so that a walk
 * is a loop that skips what does not fit. In shared memory: it crosses a thread without a copy.
 */
export interface TokenTrie {
  /** Equal for equal tries. */
  key: string;
  /** Of the model: ids beyond the tokenizer's have no text. */
  vocabSize: number;
  /** The byte that leads to the node. */
  byte: Uint8Array; // [N]
  /** Bytes before it. */
  depth: Uint16Array; // [N]
  /** The node after the last descendant. */
  end: Int32Array; // [N]
  /** The tokens of node n: `tokens[firstToken[n]]` to `tokens[firstToken[n + 1]]`. */
  firstToken: Int32Array; // [N + 1]
  tokens: Int32Array;
  /** The bytes of token t: `tokenBytes[tokenStart[t]]` to `tokenBytes[tokenStart[t + 1]]`; none for what is no text. */
  tokenBytes: Uint8Array;
  tokenStart: Int32Array; // [V + 1]
}

/** What a trie is made of. */
export type TokenTexts = Pick<Tokenizer, 'vocabSize' | 'isSpecial' | 'tokenBytes'>;

/** @param shownIds special tokens that are shown as text nevertheless; the others are left out */
export function buildTokenTrie(tokenizer: TokenTexts, vocabSize: number, shownIds: ReadonlySet<number> = new Set()): TokenTrie {
  const texts = new Map<number, string>(); // bytes as Latin-1: strings sort faster than arrays
  const idsOf = new Map<string, number[]>();
  for (let id = 0; id < Math.min(vocabSize, tokenizer.vocabSize); id++) {
    const bytes = tokenizer.isSpecial(id) && !shownIds.has(id) ? [] : tokenizer.tokenBytes(id);
    if (bytes.length === 0) continue;
    const text = Buffer.from(bytes).toString('latin1');
    texts.set(id, text);
    const ids = idsOf.get(text);
    if (ids === undefined) idsOf.set(text, [id]);
    else ids.push(id);
  }
  const sorted = [...idsOf.keys()].sort().flatMap((text) => idsOf.get(text)!.map((id) => [id, text] as const));
  const { tokenBytes, tokenStart } = fillTokenBytes(texts, vocabSize);
  const key = createHash('sha256').update(tokenStart).update(tokenBytes).digest('base64');
  return { ...fillNodes(sorted, countNodes(sorted)), tokenBytes, tokenStart, vocabSize, key };
}

function countNodes(sorted: readonly (readonly [number, string])[]): number {
  return sorted.reduce((count, [, text], index) => count + text.length - commonLength(sorted[index - 1]?.[1] ?? '', text), 0);
}

function fillNodes(
  sorted: readonly (readonly [number, string])[],
  count: number,
): Pick<TokenTrie, 'byte' | 'depth' | 'end' | 'firstToken' | 'tokens'> {
  const byte = shared(Uint8Array, count);
  const depth = shared(Uint16Array, count);
  const end = shared(Int32Array, count);
  const firstToken = shared(Int32Array, count + 1);
  const tokens = shared(Int32Array, sorted.length);
  const path: number[] = []; // the nodes that lead to the text at hand
  let node = 0;
  let previous = '';
  for (const [index, [id, text]] of sorted.entries()) {
    const common = commonLength(previous, text);
    for (const closed of path.splice(common)) end[closed] = node;
    for (let at = common; at < text.length; at++) {
      byte[node] = text.charCodeAt(at);
      depth[node] = at;
      firstToken[node] = index;
      path.push(node++);
    }
    tokens[index] = id;
    previous = text;
  }
  for (const closed of path) end[closed] = node;
  firstToken[node] = sorted.length;
  return { byte, depth, end, firstToken, tokens };
}

function fillTokenBytes(texts: ReadonlyMap<number, string>, vocabSize: number): Pick<TokenTrie, 'tokenBytes' | 'tokenStart'> {
  const tokenStart = shared(Int32Array, vocabSize + 1);
  for (let id = 0; id < vocabSize; id++) tokenStart[id + 1] = tokenStart[id]! + (texts.get(id)?.length ?? 0);
  const tokenBytes = shared(Uint8Array, tokenStart[vocabSize]!);
  for (const [id, text] of texts) tokenBytes.set(Buffer.from(text, 'latin1'), tokenStart[id]);
  return { tokenBytes, tokenStart };
}

function commonLength(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a.charCodeAt(length) === b.charCodeAt(length)) length++;
  return length;
}

function shared<T>(array: { new (buffer: SharedArrayBuffer): T; BYTES_PER_ELEMENT: number }, length: number): T {
  return new array(new SharedArrayBuffer(length * array.BYTES_PER_ELEMENT));
}
