import { createHash } from 'node:crypto';
import type { GrammarSource, ThoughtPlace } from './grammar-source.js';
import { BASE } from './json/base.js';
import { checkDepth } from './json/check-depth.js';
import { OBJECT } from './json/base-rules.js';
import { SchemaCompiler } from './json/schema-compiler.js';
import { SchemaDocument } from './json/schema-document.js';
import { Budget } from './machine/budget.js';
import { type Machine, StateFlag } from './machine/machine.js';
import { MachineBuilder } from './machine/machine-builder.js';
import { utf8Sequences } from './regex/byte-sequences.js';
import { compilePattern } from './regex/compile-regex.js';
import { writeThought } from './thought.js';

/** A grammar, ready to make masks of. Plain data in shared memory: it crosses a thread without a copy. */
export interface CompiledGrammar {
  /** Equal for equal sources: masks of requests with the same grammar are shared. */
  key: string;
  machine: Machine;
}

/**
 * Compiles a grammar within a fixed amount of work, some tens of milliseconds at most.
 * @throws GrammarInvalidError, GrammarTooComplexError
 */
export function compileGrammar(source: GrammarSource, thought: ThoughtPlace = 'none', budget = new Budget()): CompiledGrammar {
  const builder = MachineBuilder.from(BASE, budget);
  const compiler = new SourceCompiler(builder, budget);
  const start = builder.state();
  const afterThought = writeThought(builder, start, thought);
  builder.skip(compiler.write(source, afterThought), builder.state(StateFlag.ACCEPTS));
  const machine = builder.finish(builder.rule(start));
  return { key: grammarKey(source, thought), machine };
}

/** @throws GrammarInvalidError for schemas that are too deep */
export function grammarKey(source: GrammarSource, thought: ThoughtPlace): string {
  checkSchemas(source);
  return createHash('sha256')
    .update(JSON.stringify([thought, source]))
    .digest('base64');
}

function checkSchemas(source: GrammarSource): void {
  if (source.type === 'schema') checkDepth(source.schema);
  else if (source.type === 'choice') source.options.forEach(checkSchemas);
  else if (source.type === 'sequence') source.parts.forEach(checkSchemas);
  else if (source.type === 'repeat') checkSchemas(source.part);
}

class SourceCompiler {
  constructor(
    private readonly builder: MachineBuilder,
    private readonly budget: Budget,
  ) {}

  /** @returns the state after the text */
  write(source: GrammarSource, from: number): number {
    const { builder } = this;
    switch (source.type) {
      case 'literal':
        return builder.literal(from, source.text);
      case 'regex': {
        const dfa = compilePattern(source.pattern, 'whole', utf8Sequences, this.budget);
        const to = builder.call(from, builder.automaton(dfa));
        if (dfa.accepts[dfa.start] === true) builder.skip(from, to);
        return to;
      }
      case 'schema': {
        const document = new SchemaDocument(source.schema, this.budget);
        return builder.call(from, new SchemaCompiler(document, builder, this.budget).compile(document.root));
      }
      case 'object':
        return builder.call(from, OBJECT);
      case 'choice':
        return this.writeChoice(source.options, from);
      case 'sequence':
        return source.parts.reduce((state, part) => this.write(part, state), from);
      case 'repeat':
        return this.writeRepeat(source, from);
    }
  }

  private writeChoice(options: readonly GrammarSource[], from: number): number {
    const to = this.builder.state();
    const literals = options.filter((option) => option.type === 'literal').map(({ text }) => text);
    this.builder.oneOf(from, literals, to);
    for (const option of options) {
      if (option.type === 'literal') continue;
      const start = this.builder.state();
      this.builder.skip(from, start);
      this.builder.skip(this.write(option, start), to);
    }
    return to;
  }

  /** A rule whose counter counts the parts. */
  private writeRepeat({ part, separator, max }: Extract<GrammarSource, { type: 'repeat' }>, from: number): number {
    const { builder } = this;
    const start = builder.state();
    const done = builder.state(StateFlag.COUNTS);
    builder.skip(this.write(part, start), done);
    builder.skip(done, builder.state(StateFlag.ACCEPTS));
    const more = builder.state(StateFlag.NEEDS_ROOM);
    builder.skip(done, more);
    builder.literal(more, separator, start);
    return builder.call(from, builder.rule(start, 1, max));
  }
}
