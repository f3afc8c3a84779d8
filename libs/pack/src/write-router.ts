import { basename, join } from 'node:path';
import { attentionIn, attentionOut, embedding, head, normalisedColumns, rotaryTables } from '@ringmesh/model';
import { type DataFile, DataLayout, type ExternalData, mlp, type WeightedGraph } from '@ringmesh/onnx';
import { type ModelConfig, type PackLayout, tensorNames } from '@ringmesh/weights';
import type { UnitWriter } from './unit-writer.js';
import { swigluWeights } from './weight-source.js';

/** The graph before the first layer. */
export async function writeEmbedding(writer: UnitWriter): Promise<void> {
  const { layout, config, weights } = writer;
  await writer.dataFile(join(layout.router, 'embedding.bin'), (file) =>
    writer.graph(layout.routerGraph('embedding'), file, (graph) => embedding(graph, config, weights.table(tensorNames.wordEmbeddings))),
  );
}

/** The graph after the last layer. */
export async function writeHead(writer: UnitWriter): Promise<void> {
  const { layout, config, weights } = writer;
  const norm = await weights.vector(tensorNames.norm);
  const stored = weights.matrix(config.tieWordEmbeddings ? tensorNames.wordEmbeddings : tensorNames.lmHead);
  const lmHead = config.normHead ? await normalisedColumns(stored) : stored; // [V, H]
  await writer.dataFile(join(layout.router, 'head.bin'), (file) =>
    writer.graph(layout.routerGraph('head'), file, (graph) => head(graph, config, { norm, lmHead })),
  );
}

/** cos and sin of all positions, once for all layers. */
export async function writeRotary(writer: UnitWriter): Promise<void> {
  const tables = rotaryTables(writer.config);
  await writer.dataFile(writer.layout.rotaryData, async (file) => {
    const { cos, sin } = reserveRotary(writer.config, file);
    await file.write(cos, 0, new Uint8Array(tables.cos.buffer));
    await file.write(sin, 0, new Uint8Array(tables.sin.buffer));
  });
}

/** Everything of one layer but its routed experts. */
export async function writeRouterLayer(writer: UnitWriter, index: number): Promise<void> {
  const { layout, config, weights } = writer;
  const names = tensorNames.layer(index);
  const hasExperts = index >= config.firstKDenseReplace;
  await writer.dataFile(join(layout.router, `layer-${String(index).padStart(3, '0')}.bin`), async (file) => {
    const write = (name: Parameters<PackLayout['layerGraph']>[1], build: (graph: WeightedGraph) => Promise<void>): Promise<void> =>
      writer.graph(layout.layerGraph(index, name), file, build);

    const inWeights = {
      norm: await weights.vector(names.inputLayernorm),
      queryKeyValue: weights.matrix(names.queryKeyValue),
      queryKeyValueBias: config.useQkvBias ? await weights.vector(names.queryKeyValueBias) : null,
      ...reserveRotary(config, new DataLayout(basename(layout.rotaryData))),
    };
    await write('attention-in', (graph) => attentionIn(graph, config, inWeights));

    const outWeights = {
      dense: weights.matrix(names.attentionDense),
      denseBias: config.useBias ? await weights.vector(names.attentionDenseBias) : null,
      norm: await weights.vector(names.postAttentionLayernorm),
      gate: hasExperts ? weights.matrix(names.gate) : null,
    };
    await write('attention-out', (graph) => attentionOut(graph, config, outWeights));

    if (!hasExperts) await write('dense-mlp', (graph) => mlp(graph, config.hiddenSize, swigluWeights(weights, names.mlp)));
    else if (config.numSharedExperts > 0)
      await write('shared-experts', (graph) => mlp(graph, config.hiddenSize, swigluWeights(weights, names.sharedExperts)));
  });
}

/** Where the rotary tables lie in their file: layers refer to it whether it is written yet or not. */
function reserveRotary(
  { maxPositionEmbeddings, headDim }: ModelConfig,
  file: DataFile | DataLayout,
): { cos: ExternalData; sin: ExternalData } {
  const bytes = maxPositionEmbeddings * (headDim / 2) * 4; // [M, D/2]
  return { cos: file.reserve(bytes), sin: file.reserve(bytes) };
}
