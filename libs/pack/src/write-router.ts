import { join } from 'node:path';
import { attentionIn, attentionOut, embedding, head, normalisedColumns, rotaryTables } from '@ringmesh/model';
import { DataFile, type ExternalData, mlp, type WeightedGraph } from '@ringmesh/onnx';
import type { Quantization } from '@ringmesh/tensor';
import { type ModelConfig, type PackLayout, tensorNames } from '@ringmesh/weights';
import type { CheckpointWeights } from './checkpoint-weights.js';
import { withDataFile, writeGraph } from './graph-writer.js';

/** What the router's graphs of every layer have in common. */
export interface RouterParts {
  layout: PackLayout;
  config: ModelConfig;
  weights: CheckpointWeights;
  quantization: Quantization;
}

/** The graphs before the first layer and after the last. */
export async function writeEmbeddingAndHead({ layout, config, weights, quantization }: RouterParts): Promise<void> {
  await withDataFile(join(layout.router, 'embedding.bin'), (file) =>
    writeGraph(layout.routerGraph('embedding'), file, quantization, (graph) =>
      embedding(graph, config, weights.table(tensorNames.wordEmbeddings)),
    ),
  );
  const norm = await weights.vector(tensorNames.norm);
  const stored = weights.matrix(config.tieWordEmbeddings ? tensorNames.wordEmbeddings : tensorNames.lmHead);
  const lmHead = config.normHead ? await normalisedColumns(stored) : stored; // [V, H]
  await withDataFile(join(layout.router, 'head.bin'), (file) =>
    writeGraph(layout.routerGraph('head'), file, quantization, (graph) => head(graph, config, { norm, lmHead })),
  );
}

/** cos and sin of all positions, once for all layers. */
export async function writeRotary({ layout, config }: RouterParts): Promise<{ cos: ExternalData; sin: ExternalData }> {
  const tables = rotaryTables(config);
  const file = await DataFile.create(layout.rotaryData);
  const write = async (table: Float32Array): Promise<ExternalData> => {
    const space = file.reserve(table.byteLength);
    await file.write(space, 0, new Uint8Array(table.buffer, table.byteOffset, table.byteLength));
    return space;
  };
  const written = { cos: await write(tables.cos), sin: await write(tables.sin) };
  await file.close();
  return written;
}

/** Everything of one layer but its routed experts. */
export async function writeRouterLayer(parts: RouterParts, index: number, rotary: { cos: ExternalData; sin: ExternalData }): Promise<void> {
  const { layout, config, weights, quantization } = parts;
  const names = tensorNames.layer(index);
  const hasExperts = index >= config.firstKDenseReplace;
  await withDataFile(join(layout.router, `layer-${String(index).padStart(3, '0')}.bin`), async (file) => {
    const write = (name: Parameters<PackLayout['layerGraph']>[1], build: (graph: WeightedGraph) => Promise<void>): Promise<void> =>
      writeGraph(layout.layerGraph(index, name), file, quantization, build);

    const inWeights = {
      norm: await weights.vector(names.inputLayernorm),
      queryKeyValue: weights.matrix(names.queryKeyValue),
      queryKeyValueBias: config.useQkvBias ? await weights.vector(names.queryKeyValueBias) : null,
      ...rotary,
    };
    await write('attention-in', (graph) => attentionIn(graph, config, inWeights));

    const outWeights = {
      dense: weights.matrix(names.attentionDense),
      denseBias: config.useBias ? await weights.vector(names.attentionDenseBias) : null,
      norm: await weights.vector(names.postAttentionLayernorm),
      gate: hasExperts ? weights.matrix(names.gate) : null,
    };
    await write('attention-out', (graph) => attentionOut(graph, config, outWeights));

    if (!hasExperts) await write('dense-mlp', (graph) => mlp(graph, config.hiddenSize, weights.swiglu(names.mlp)));
    else if (config.numSharedExperts > 0)
      await write('shared-experts', (graph) => mlp(graph, config.hiddenSize, weights.swiglu(names.sharedExperts)));
  });
}
