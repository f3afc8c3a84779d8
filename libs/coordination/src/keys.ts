/** Every key and channel of ours in Redis. The part in braces puts the keys of one script on one node of a Redis cluster. */
export const redisKeys = (prefix: string) => ({
  /** Hash: worker id → record. */
  workerRecords: `${prefix}:{workers}:records`,
  /** Sorted set: worker id by the time its lease ends. */
  workerLeases: `${prefix}:{workers}:leases`,
  /** Channel: the id of a worker whose record came, changed or went. */
  workerChanges: `${prefix}:{workers}:changes`,
});

export const DEFAULT_KEY_PREFIX = 'ringmesh';
