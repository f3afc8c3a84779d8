import { parentPort } from 'node:worker_threads';
import { errorToMessage } from '@ringmesh/core';
import { compileGrammar } from './compile-grammar.js';
import type { CompileAnswer, CompileTask } from './grammar-compiler.js';

parentPort!.on('message', ({ id, source, thought }: CompileTask) =>
  parentPort!.postMessage(answer(id, () => compileGrammar(source, thought))),
);

function answer(id: number, compile: () => ReturnType<typeof compileGrammar>): CompileAnswer {
  try {
    return { id, grammar: compile() };
  } catch (error) {
    return { id, error: errorToMessage(error) };
  }
}
