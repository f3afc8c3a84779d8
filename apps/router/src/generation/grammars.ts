import { GrammarInvalidError, GrammarTooComplexError } from '@ringmesh/core';
import type { GrammarConstraint } from '@ringmesh/engine';
import {
  type CompiledGrammar,
  GrammarCompiler,
  grammarKey,
  type GrammarSource,
  type ThoughtPlace,
  type TokenTrie,
} from '@ringmesh/grammar';

const MAX_KEPT = 64;
const MAX_KEPT_BYTES = 64 * 2 ** 20;

/** Compiles what answers must be, and keeps what was compiled: most clients send the same few schemas again and again. */
export class Grammars {
  private readonly compiler = new GrammarCompiler();
  private readonly compiled = new Map<string, CompiledGrammar>(); // the one used last comes last
  private keptBytes = 0;
  private readonly underWay = new Map<string, Promise<CompiledGrammar>>();

  constructor(private readonly vocabulary: TokenTrie) {}

  /**
   * @param endTokenIds allowed where the text may end; without them it ends where nothing can follow
   * @param field of the request, for errors
   * @throws GrammarInvalidError, GrammarTooComplexError; QueueFullError
   */
  async constraint(source: GrammarSource, thought: ThoughtPlace, endTokenIds: number[], field: string): Promise<GrammarConstraint> {
    try {
      return { grammar: await this.compile(source, thought), vocabulary: this.vocabulary, endTokenIds };
    } catch (cause) {
      // Says which field the error is about.
      for (const ErrorClass of [GrammarInvalidError, GrammarTooComplexError]) {
        if (cause instanceof ErrorClass) throw new ErrorClass(`${field}: ${cause.message}`, { field, cause });
      }
      throw cause;
    }
  }

  private async compile(source: GrammarSource, thought: ThoughtPlace): Promise<CompiledGrammar> {
    const key = grammarKey(source, thought);
    const known = this.compiled.get(key);
    if (known !== undefined) {
      this.compiled.delete(key);
      this.compiled.set(key, known);
      return known;
    }
    let compiling = this.underWay.get(key);
    if (compiling === undefined) {
      compiling = this.compiler.compile(source, thought).finally(() => this.underWay.delete(key));
      this.underWay.set(key, compiling);
      this.keep(await compiling);
    }
    return compiling;
  }

  private keep(grammar: CompiledGrammar): void {
    if (this.compiled.has(grammar.key)) return;
    this.compiled.set(grammar.key, grammar);
    this.keptBytes += bytesOf(grammar);
    for (const oldest of this.compiled.values()) {
      if (this.compiled.size <= MAX_KEPT && this.keptBytes <= MAX_KEPT_BYTES) break;
      this.compiled.delete(oldest.key);
      this.keptBytes -= bytesOf(oldest);
    }
  }
}

function bytesOf({ machine }: CompiledGrammar): number {
  return Object.values(machine).reduce<number>(
    (sum, part) => sum + (typeof part === 'number' ? 0 : (part as ArrayBufferView).byteLength),
    0,
  );
}
