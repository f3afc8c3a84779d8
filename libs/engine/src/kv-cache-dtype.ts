import { KV_CACHE_DTYPES, type KvCacheDtype } from '@ringmesh/kv-cache';
import type { Quantization } from '@ringmesh/tensor';

/** What may be asked for; `auto` goes by the pack. */
export const KV_CACHE_DTYPE_CHOICES = ['auto', ...KV_CACHE_DTYPES] as const;

export type KvCacheDtypeChoice = (typeof KV_CACHE_DTYPE_CHOICES)[number];

/** Whoever has kept the weights exact gets exact keys and values; beside q8 and q4, bytes cost little more (test/bench/RESULTS.md, quantization). */
export function kvCacheDtypeOf(choice: KvCacheDtypeChoice, { method }: Quantization): KvCacheDtype {
  if (choice !== 'auto') return choice;
  return method === 'q8' || method === 'q4' ? 'int8' : 'float32';
}
