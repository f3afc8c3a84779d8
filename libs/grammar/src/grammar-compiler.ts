import { Worker } from 'node:worker_threads';
import { EngineFailedError, errorFromMessage, type ErrorMessage, GrammarTooComplexError, QueueFullError } from '@ringmesh/core';
import { type CompiledGrammar, compileGrammar } from './compile-grammar.js';
import type { GrammarSource, ThoughtPlace } from './grammar-source.js';
import { Budget } from './machine/budget.js';

export interface CompileTask {
  id: number;
  source: GrammarSource;
  thought: ThoughtPlace;
}

export type CompileAnswer = { id: number; grammar: CompiledGrammar } | { id: number; error: ErrorMessage };

/** Work that is done at once, some 5 ms: schemas of real life rarely need more. What does goes to another thread. */
const MAX_STEPS_AT_ONCE = 120_000;
/** Grammars that wait for the thread at most. */
const MAX_WAITING = 32;

/** Compiles grammars without holding up the thread that asks for it: large ones are compiled on a thread that the first of them starts. */
export class GrammarCompiler {
  private thread: Worker | undefined;
  private readonly waiting = new Map<number, PromiseWithResolvers<CompiledGrammar>>();
  private numSent = 0;

  /** @throws GrammarInvalidError, GrammarTooComplexError; QueueFullError */
  async compile(source: GrammarSource, thought: ThoughtPlace): Promise<CompiledGrammar> {
    try {
      return compileGrammar(source, thought, new Budget(MAX_STEPS_AT_ONCE));
    } catch (error) {
      if (!(error instanceof GrammarTooComplexError)) throw error;
    }
    if (this.waiting.size >= MAX_WAITING) {
      throw new QueueFullError(`${MAX_WAITING} large grammars wait to be compiled: try again later, or simplify this one`, {
        retryAfterSeconds: 1,
      });
    }
    const id = this.numSent++;
    const answer = Promise.withResolvers<CompiledGrammar>();
    this.waiting.set(id, answer);
    this.thread ??= this.start();
    this.thread.postMessage({ id, source, thought } satisfies CompileTask);
    return answer.promise;
  }

  private start(): Worker {
    const thread = new Worker(new URL('./compile-thread.js', import.meta.url), { name: 'grammar' });
    thread.unref(); // whoever waits for an answer has a connection that keeps the process
    thread.on('message', (answer: CompileAnswer) => {
      const waiting = this.waiting.get(answer.id);
      this.waiting.delete(answer.id);
      if ('error' in answer) waiting?.reject(errorFromMessage(answer.error));
      else waiting?.resolve(answer.grammar);
    });
    const fail = (how: string, cause?: unknown): void => {
      if (this.thread === thread) this.fail(new EngineFailedError(`The thread that compiles grammars ${how}`, { cause }));
    };
    thread.on('error', (cause) => fail(`failed: ${String(cause)}`, cause));
    thread.on('exit', (code) => fail(`ended with code ${code}`));
    return thread;
  }

  /** The next grammar starts another thread. */
  private fail(error: EngineFailedError): void {
    this.thread = undefined;
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
  }
}
