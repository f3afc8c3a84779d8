export { type CompiledGrammar, compileGrammar, grammarKey } from './compile-grammar.js';
export { GrammarCompiler } from './grammar-compiler.js';
export type * from './grammar-source.js';
export type { GrammarMatcher } from './matcher/grammar-matcher.js';
export * from './matcher/matcher-cache.js';
export * from './matcher/token-trie.js';
