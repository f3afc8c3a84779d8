export * from './chat-template.js';
export * from './incremental-detokenizer.js';
export * from './stop-checker.js';
export * from './tokenizer.js';
