export * from './batch-splitter.js';
export * from './partial-layout.js';
export * from './placement.js';
export * from './shard-list.js';
export * from './shard-rule.js';
export * from './reduction-tree.js';
export * from './tree-sum.js';
