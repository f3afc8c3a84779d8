export * from './shard-rule.js';
