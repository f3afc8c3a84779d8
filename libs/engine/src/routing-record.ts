import type { RoutedExperts } from './generation.js';

/** The gate's decisions of one generation, gathered layer by layer and handed out with the tokens. */
export class RoutingRecord {
  private rows: RoutedExperts = [];
  /** Position of the first row that was not handed out. */
  private first = 0;

  /** Notes one layer's decisions for the tokens from `position` on. What was handed out before, and is computed again, is left out. */
  add(position: number, layer: number, topkIds: BigInt64Array, expertsPerToken: number): void {
    for (let start = 0; start < topkIds.length; start += expertsPerToken, position++) {
      if (position < this.first) continue;
      const layers = (this.rows[position - this.first] ??= []); // [layers][k]
      while (layers.length < layer) layers.push(null);
      layers[layer] = Array.from(topkIds.subarray(start, start + expertsPerToken), Number);
    }
  }

  /** @returns [tokens][layers][k] since the last call */
  take(): RoutedExperts {
    const { rows } = this;
    this.first += rows.length;
    this.rows = [];
    return rows;
  }
}
