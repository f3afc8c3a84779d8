import { join } from 'node:path';
import { mlp } from '@ringmesh/onnx';
import type { ShardRule } from '@ringmesh/placement';
import { tensorNames } from '@ringmesh/weights';
import { withDataFile, writeGraph } from './graph-writer.js';
import type { RouterParts } from './write-router.js';

/** The routed experts of one shard in one layer: a graph each, and one data file. */
export async function writeShardLayer(parts: RouterParts, rule: ShardRule, shard: number, layer: number): Promise<void> {
  const { layout, config, weights, quantization } = parts;
  await withDataFile(join(layout.shard(shard), `layer-${String(layer).padStart(3, '0')}.bin`), async (file) => {
    for (const expert of rule.expertsOf(shard)) {
      const swiglu = weights.swiglu(tensorNames.layer(layer).expert(expert));
      await writeGraph(layout.expertGraph(shard, layer, expert), file, quantization, (graph) => mlp(graph, config.hiddenSize, swiglu));
    }
  });
}
