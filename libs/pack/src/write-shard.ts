import { join } from 'node:path';
import { mlp } from '@ringmesh/onnx';
import type { ShardRule } from '@ringmesh/placement';
import { tensorNames } from '@ringmesh/weights';
import type { UnitWriter } from './unit-writer.js';
import { swigluWeights } from './weight-source.js';

/** The routed experts of one shard in one layer: a graph each, and one data file. */
export async function writeShardLayer(writer: UnitWriter, rule: ShardRule, shard: number, layer: number): Promise<void> {
  const { layout, config, weights } = writer;
  await writer.dataFile(join(layout.shard(shard), `layer-${String(layer).padStart(3, '0')}.bin`), async (file) => {
    for (const expert of rule.expertsOf(shard)) {
      const swiglu = swigluWeights(weights, tensorNames.layer(layer).expert(expert));
      await writer.graph(layout.expertGraph(shard, layer, expert), file, (graph) => mlp(graph, config.hiddenSize, swiglu));
    }
  });
}
