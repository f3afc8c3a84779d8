import type { CompiledGrammar } from '../compile-grammar.js';
import { BASE } from '../json/base.js';
import type { Machine } from '../machine/machine.js';
import { GrammarMasks } from './grammar-masks.js';
import { GrammarMatcher } from './grammar-matcher.js';
import { LeafWalks, WalkScratch } from './leaf-walk.js';
import type { TokenTrie } from './token-trie.js';

/** Grammars whose masks are kept, of some 30 MiB each at most. */
const MAX_GRAMMARS = 16;
/** Bytes of the walks of one grammar that are kept. */
const MAX_WALK_BYTES = 8 * 2 ** 20;

/** Makes matchers; what was found out about a grammar is kept for the next request that has it. */
export class MatcherCache {
  private readonly masks = new Map<string, GrammarMasks>(); // the one used last comes last
  private base: { key: string; walks: LeafWalks; scratch: WalkScratch } | undefined;

  matcher({ key, machine }: CompiledGrammar, trie: TokenTrie, endTokenIds: readonly number[]): GrammarMatcher {
    const ofBoth = `${key} ${trie.key}`;
    const masks = this.masks.get(ofBoth) ?? this.make(machine, trie);
    this.masks.delete(ofBoth);
    this.masks.set(ofBoth, masks);
    for (const oldest of this.masks.keys()) if (this.masks.size > MAX_GRAMMARS) this.masks.delete(oldest);
    return new GrammarMatcher(masks, endTokenIds);
  }

  private make(machine: Machine, trie: TokenTrie): GrammarMasks {
    if (this.base?.key !== trie.key) {
      const scratch = new WalkScratch(trie);
      // The first states of all machines are the same.
      this.base = { key: trie.key, walks: new LeafWalks(machine, trie, scratch), scratch };
    }
    const { walks, scratch } = this.base;
    const own = new LeafWalks(machine, trie, scratch);
    return new GrammarMasks(machine, trie, (state) => {
      if (state < BASE.numStates) return walks;
      if (own.numBytes >= MAX_WALK_BYTES) own.forget();
      return own;
    });
  }
}
