import { CacheLayout, type KvCacheDtype } from '@ringmesh/kv-cache';
import { type AttentionKind, attentionKind, type ModelConfig } from '@ringmesh/weights';
import type { AttentionModule } from './attention-layers.js';
import { linearModule } from './linear/linear-layers.js';
import { softmaxModule } from './softmax/softmax-layers.js';

/** All kinds of attention. A new one is a module, its line here, and its graphs in the packer. */
export const ATTENTION_KINDS: Readonly<Record<AttentionKind, AttentionModule>> = { softmax: softmaxModule, linear: linearModule };

/** The attention of one layer. */
export function attentionModule(config: ModelConfig, layer: number): AttentionModule {
  return ATTENTION_KINDS[attentionKind(config, layer)];
}

/** What a sequence of this model keeps. @param numDrafts of a segment at most */
export function cacheLayout(config: ModelConfig, dtype: KvCacheDtype, numDrafts = 0): CacheLayout {
  const layers = Array.from({ length: config.numLayers }, (_, layer) => attentionModule(config, layer).layerMemory(config, dtype));
  return new CacheLayout(layers, numDrafts);
}
