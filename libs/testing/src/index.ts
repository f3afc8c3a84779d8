export * from './golden.js';
export * from './tiny-experts.js';
export * from './redis-server.js';
export * from './cluster.js';
export * from './hub-listing.js';
export * from './hub-model.js';
export * from './hub-server.js';
export * from './pieces.js';
