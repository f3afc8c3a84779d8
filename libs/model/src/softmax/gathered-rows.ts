import type { AttentionSegment } from '../parallel/attention-batch.js';
import type { CachedRows, KeyValueFormat, RowIndex } from './key-value-format.js';

/** Keys and values of whole sequences in one piece, as graphs want them: copied from the blocks, which for many new tokens is little. */
export class GatheredRows {
  private readonly room = new Map<string, { numTokens: number; rows: CachedRows }>();

  constructor(
    private readonly format: KeyValueFormat,
    private readonly headDim: number,
  ) {}

  /** @param name of what is kept at the same time @returns the rows [L, D], valid until the next ones of that name */
  gather(name: string, index: RowIndex, { cache, length }: Pick<AttentionSegment, 'cache' | 'length'>): CachedRows {
    const { data, scales } = this.reserve(name, length);
    for (const span of cache.spans(0, length)) {
      const { first } = span;
      const rows = this.format.rowsOf(cache, index, span);
      data.set(rows.data, first * this.headDim);
      if (rows.scales !== undefined) scales!.set(rows.scales, first);
    }
    return { data: data.subarray(0, length * this.headDim), ...(scales === undefined ? {} : { scales: scales.subarray(0, length) }) };
  }

  private reserve(name: string, length: number): CachedRows {
    const found = this.room.get(name);
    if (found !== undefined && found.numTokens >= length) return found.rows;
    const numTokens = Math.max(length, 2 * (found?.numTokens ?? 0));
    const rows = this.format.allocate(numTokens, this.headDim);
    this.room.set(name, { numTokens, rows });
    return rows;
  }
}
