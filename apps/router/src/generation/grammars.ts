import { GrammarInvalidError, GrammarTooComplexError } from '@ringmesh/core';
import type { GrammarConstraint } from '@ringmesh/engine';
import { type CompiledGrammar, compileGrammar, grammarKey, type GrammarSource, type ThoughtPlace, type TokenTrie } from '@ringmesh/grammar';

const MAX_KEPT = 64;

/** Compiles what answers must be, and keeps what was compiled: most clients send the same few schemas again and again. */
export class Grammars {
  private readonly compiled = new Map<string, CompiledGrammar>(); // the one used last comes last

  constructor(private readonly vocabulary: TokenTrie) {}

  /**
   * @param endTokenIds allowed where the text may end; without them it ends where nothing can follow
   * @param field of the request, for errors
   * @throws GrammarInvalidError, GrammarTooComplexError
   */
  constraint(source: GrammarSource, thought: ThoughtPlace, endTokenIds: number[], field: string): GrammarConstraint {
    return { grammar: this.compile(source, thought, field), vocabulary: this.vocabulary, endTokenIds };
  }

  private compile(source: GrammarSource, thought: ThoughtPlace, field: string): CompiledGrammar {
    const key = grammarKey(source, thought);
    const grammar = this.compiled.get(key) ?? compileFor(field, source, thought);
    this.compiled.delete(key);
    this.compiled.set(key, grammar);
    for (const oldest of this.compiled.keys()) if (this.compiled.size > MAX_KEPT) this.compiled.delete(oldest);
    return grammar;
  }
}

/** Says which field an error is about. */
function compileFor(field: string, source: GrammarSource, thought: ThoughtPlace): CompiledGrammar {
  try {
    return compileGrammar(source, thought);
  } catch (cause) {
    for (const ErrorClass of [GrammarInvalidError, GrammarTooComplexError]) {
      if (cause instanceof ErrorClass) throw new ErrorClass(`${field}: ${cause.message}`, { field, cause });
    }
    throw cause;
  }
}
