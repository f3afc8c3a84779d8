import type { StepProfile } from '@ringmesh/core';
import type { BlockMemory, KvCacheDtype, LayerMemory } from '@ringmesh/kv-cache';
import type { ModelConfig, PackLayout } from '@ringmesh/weights';
import type { AttentionBatch } from './parallel/attention-batch.js';
import type { SharedActivations } from './parallel/shared-activations.js';
import type { Part } from './parts.js';
import type { Rotary } from './rotary.js';

/** What one compute thread needs to open its share of the attention layers. */
export interface AttentionOptions {
  config: ModelConfig;
  layout: PackLayout;
  /** Its own. */
  parts: readonly Part[];
  rotary: Rotary;
  kvCacheDtype: KvCacheDtype;
  blocks: BlockMemory;
  profile: StepProfile | undefined;
}

/** What one compute thread holds of all layers of one kind of attention. */
export interface AttentionLayers {
  /** Opens the graphs of one more layer. Blocks the thread. */
  open(layer: number): void;
  /** What the heads of its own parts make of `hidden`: `attention[part]`, [T, H] each. The caches take what is new. */
  run(layer: number, batch: AttentionBatch, activations: SharedActivations): void;
  close(): void;
}

/** One kind of attention, as the rest of the model sees it. */
export interface AttentionModule {
  /** What a sequence keeps for one layer. */
  layerMemory(config: ModelConfig, dtype: KvCacheDtype): LayerMemory;
  open(options: AttentionOptions): AttentionLayers;
  /** Adds what all parts of a layer made to the residual stream, on the engine's thread. */
  join(config: ModelConfig, activations: SharedActivations, numTokens: number): void;
}
