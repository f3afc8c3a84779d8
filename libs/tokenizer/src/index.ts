export { CHARACTER_OF_BYTE } from './byte-level.js';
export * from './chat-template.js';
export * from './incremental-detokenizer.js';
export * from './stop-checker.js';
export * from './tokenizer.js';
