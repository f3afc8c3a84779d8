import { createHash } from 'node:crypto';
import type { Tokenizer } from '@ringmesh/tokenizer';
import { shared } from '../machine/shared.js';

/**
 * The tokens of a vocabulary that are text, as a trie over their bytes in depth-first order: a node's descendants follow it, so that a walk
 * is a loop that skips what does not fit. In shared memory: it crosses a thread without a copy.
 */
export interface TokenTrie {
  /** Equal for equal tries. */
  key: string;
  /** Of the model: ids beyond the tokenizer's have no text. */
  vocabSize: number;
  /** Bytes of the longest token. */
  maxDepth: number;
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

type Texts = Pick<TokenTrie, 'tokenBytes' | 'tokenStart'>;

/** What a trie is made of. */
export type TokenTexts = Pick<Tokenizer, 'vocabSize' | 'isSpecial' | 'tokenBytes'>;

/** @param shownIds special tokens that are shown as text nevertheless; the others are left out */
export function buildTokenTrie(tokenizer: TokenTexts, vocabSize: number, shownIds: ReadonlySet<number> = new Set()): TokenTrie {
  const texts = textsOf(tokenizer, vocabSize, shownIds);
  const key = createHash('sha256').update(texts.tokenStart).update(texts.tokenBytes).digest('base64');
  return { ...nodesOf(texts, sortedTokens(texts)), ...texts, vocabSize, key };
}

function textsOf(tokenizer: TokenTexts, vocabSize: number, shownIds: ReadonlySet<number>): Texts {
  const isText = (id: number): boolean => id < tokenizer.vocabSize && (!tokenizer.isSpecial(id) || shownIds.has(id));
  const tokenStart = shared(Int32Array, vocabSize + 1);
  for (let id = 0; id < vocabSize; id++) tokenStart[id + 1] = tokenStart[id]! + (isText(id) ? tokenizer.tokenBytes(id).length : 0);
  const tokenBytes = shared(Uint8Array, tokenStart[vocabSize]!);
  for (let id = 0; id < vocabSize; id++) if (isText(id)) tokenBytes.set(tokenizer.tokenBytes(id), tokenStart[id]);
  return { tokenBytes, tokenStart };
}

/** Sorts by the first bytes as numbers, which is fast, and then what has them in common byte by byte. */
function sortedTokens({ tokenBytes, tokenStart }: Texts): Int32Array {
  const PREFIX = 4;
  const IDS = 2 ** 21; // ids fit beside four bytes into the 53 bits of a double
  const ids = Array.from({ length: tokenStart.length - 1 }, (_, id) => id).filter((id) => tokenStart[id + 1]! > tokenStart[id]!);
  const byteAt = (id: number, index: number): number =>
    tokenStart[id]! + index < tokenStart[id + 1]! ? tokenBytes[tokenStart[id]! + index]! : -1;
  const keys = Float64Array.from(ids, (id) => {
    let prefix = 0;
    for (let index = 0; index < PREFIX; index++) prefix = prefix * 256 + Math.max(0, byteAt(id, index));
    return prefix * IDS + id;
  }).sort();
  const tokens = Int32Array.from(keys, (key) => key % IDS);
  const compare = (a: number, b: number): number => {
    for (let index = 0; ; index++) {
      const [left, right] = [byteAt(a, index), byteAt(b, index)];
      if (left !== right || left === -1) return left - right || a - b;
    }
  };
  for (let first = 0, next = 1; next <= keys.length; next++) {
    if (next < keys.length && Math.floor(keys[next]! / IDS) === Math.floor(keys[first]! / IDS)) continue;
    if (next - first > 1) tokens.subarray(first, next).sort(compare);
    first = next;
  }
  return tokens;
}

function nodesOf(texts: Texts, sorted: Int32Array): Omit<TokenTrie, 'key' | 'vocabSize' | 'tokenBytes' | 'tokenStart'> {
  const { tokenBytes, tokenStart } = texts;
  const lengthOf = (token: number): number => tokenStart[token + 1]! - tokenStart[token]!;
  const common = sorted.map((token, index) => (index === 0 ? 0 : commonLength(texts, sorted[index - 1]!, token)));
  const count = sorted.reduce((sum, token, index) => sum + lengthOf(token) - common[index]!, 0);
  const byte = shared(Uint8Array, count);
  const depth = shared(Uint16Array, count);
  const end = shared(Int32Array, count);
  const firstToken = shared(Int32Array, count + 1);
  const tokens = shared(Int32Array, sorted.length);
  tokens.set(sorted);
  const path: number[] = []; // the nodes that lead to the token at hand
  let node = 0;
  let maxDepth = 0;
  for (const [index, token] of sorted.entries()) {
    while (path.length > common[index]!) end[path.pop()!] = node;
    for (let at = common[index]!; at < lengthOf(token); at++) {
      byte[node] = tokenBytes[tokenStart[token]! + at]!;
      depth[node] = at;
      firstToken[node] = index;
      path.push(node++);
    }
    maxDepth = Math.max(maxDepth, path.length);
  }
  for (const open of path) end[open] = node;
  firstToken[node] = sorted.length;
  return { byte, depth, end, firstToken, tokens, maxDepth };
}

function commonLength({ tokenBytes, tokenStart }: Texts, a: number, b: number): number {
  const [left, right] = [tokenStart[a]!, tokenStart[b]!];
  const most = Math.min(tokenStart[a + 1]! - left, tokenStart[b + 1]! - right);
  let length = 0;
  while (length < most && tokenBytes[left + length] === tokenBytes[right + length]) length++;
  return length;
}
