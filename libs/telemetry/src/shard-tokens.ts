import { Counter } from 'prom-client';
import type { MetricsRegistry } from './registry.js';

/** Layers are counted in this many groups: enough to see where experts are hot, few enough for any number of layers. */
const MAX_LAYER_GROUPS = 4;

/**
 * Counts (token, expert) pairs per layer group and shard. A counter per (layer, shard) would be thousands of time series for the large
 * models; and Prometheus' label hashing is too slow for once a layer: counts go to an array and become a metric when scraped.
 */
export class ShardTokens {
  private readonly numGroups: number;
  private readonly layersPerGroup: number;
  private readonly counts: Float64Array; // [numGroups, numShards]

  constructor(
    registry: MetricsRegistry,
    metric: { name: string; help: string },
    private readonly model: { numLayers: number; numShards: number },
  ) {
    this.layersPerGroup = Math.ceil(model.numLayers / MAX_LAYER_GROUPS);
    this.numGroups = Math.ceil(model.numLayers / this.layersPerGroup);
    this.counts = new Float64Array(this.numGroups * model.numShards);
    const forEachCount = this.forEachCount.bind(this);
    new Counter({
      ...metric,
      labelNames: ['layer_group', 'shard'],
      registers: [registry],
      collect() {
        this.reset();
        forEachCount((layerGroup, shard, count) => this.inc({ layer_group: layerGroup, shard }, count));
      },
    });
  }

  add(layer: number, shard: number, tokens: number): void {
    const group = Math.floor(layer / this.layersPerGroup);
    this.counts[group * this.model.numShards + shard]! += tokens;
  }

  /** @param tokens of each layer and shard [numLayers, numShards] */
  addAll(tokens: Float64Array): void {
    const { numLayers, numShards } = this.model;
    for (let layer = 0; layer < numLayers; layer++) {
      for (let shard = 0; shard < numShards; shard++) this.add(layer, shard, tokens[layer * numShards + shard]!);
    }
  }

  private forEachCount(visit: (layerGroup: string, shard: string, count: number) => void): void {
    for (let group = 0; group < this.numGroups; group++) {
      const first = group * this.layersPerGroup;
      const last = Math.min(first + this.layersPerGroup, this.model.numLayers) - 1;
      for (let shard = 0; shard < this.model.numShards; shard++) {
        visit(`${first}-${last}`, String(shard), this.counts[group * this.model.numShards + shard]!);
      }
    }
  }
}
