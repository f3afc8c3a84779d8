import type { ShardRule } from '@ringmesh/placement';
import { expectedTensors, type ModelConfig, tensorNames } from '@ringmesh/weights';

/** A part of a pack that one thread writes as a whole. */
export type UnitPart =
  { type: 'tokenizer' | 'embedding' | 'head' } | { type: 'layer'; layer: number } | { type: 'experts'; layer: number; shard: number };

export interface PackUnit {
  part: UnitPart;
  /** For people, and different for every unit: `layer 3, shard 2`. */
  label: string;
  /** Weights of the model that it writes: its share of the work. */
  numWeights: number;
}

/** All units of a pack. The largest come first, so that no thread is left with one at the end. */
export function unitsOf(config: ModelConfig, rule: ShardRule): PackUnit[] {
  const parts: UnitPart[] = [{ type: 'tokenizer' }, { type: 'head' }, { type: 'embedding' }];
  for (let layer = 0; layer < config.numLayers; layer++) {
    parts.push({ type: 'layer', layer });
    if (layer < config.firstKDenseReplace) continue;
    for (let shard = 0; shard < rule.numShards; shard++) parts.push({ type: 'experts', layer, shard });
  }
  const weights = countWeights(config, rule);
  return parts.map((part) => ({ part, label: labelOf(part), numWeights: weights.get(labelOf(part)) ?? 0 }));
}

function labelOf(part: UnitPart): string {
  if (part.type === 'layer') return `layer ${part.layer}`;
  return part.type === 'experts' ? `layer ${part.layer}, shard ${part.shard}` : part.type;
}

/** By label. */
function countWeights(config: ModelConfig, rule: ShardRule): Map<string, number> {
  const counts = new Map<string, number>();
  for (const [name, { axes }] of expectedTensors(config)) {
    const label = labelOf(partOf(name, rule));
    const size = axes.reduce((product, axis) => product * axis.size, 1);
    counts.set(label, (counts.get(label) ?? 0) + size);
  }
  return counts;
}

/** The part that a tensor goes into. */
function partOf(tensor: string, rule: ShardRule): UnitPart {
  const inLayer = /^model\.layers\.(\d+)\.(?:mlp\.experts\.(\d+)\.)?/.exec(tensor);
  if (inLayer === null) return { type: tensor === tensorNames.wordEmbeddings ? 'embedding' : 'head' };
  const layer = Number(inLayer[1]);
  return inLayer[2] === undefined ? { type: 'layer', layer } : { type: 'experts', layer, shard: rule.shardOf(Number(inLayer[2])) };
}
