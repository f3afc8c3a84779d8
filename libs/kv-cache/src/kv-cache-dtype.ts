/** Number formats that keys and values may be kept in. */
export const KV_CACHE_DTYPES = ['float32', 'int8'] as const;

export type KvCacheDtype = (typeof KV_CACHE_DTYPES)[number];
