export { CHARACTER_OF_BYTE } from './byte-level.js';
export * from './chat-template.js';
export * from './incremental-detokenizer.js';
export { partialTagLength } from './partial-tag.js';
export * from './reasoning-parser.js';
export * from './stop-checker.js';
export * from './tokenizer.js';
