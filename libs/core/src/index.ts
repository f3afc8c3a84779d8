export * from './allocator-environment.js';
export * from './cache-dir.js';
export * from './errors.js';
export * from './file-lock.js';
export * from './json-fields.js';
export * from './json-file.js';
export * from './option-values.js';
export * from './step-profile.js';
