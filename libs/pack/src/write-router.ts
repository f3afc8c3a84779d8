import { join } from 'node:path';
import { defaultNumParts, embedding, head, mlpIn, normalisedColumns, type Part, rangeOf } from '@ringmesh/model';
import { columnsOf, mlp, rowsOf, type SwigluWeights, type WeightedGraph } from '@ringmesh/onnx';
import { type LayerGraph, type ModelConfig, tensorNames } from '@ringmesh/weights';
import type { UnitWriter } from './unit-writer.js';
import { swigluWeights } from './weight-source.js';
import { attentionGraphs } from './write-attention.js';

/** The graph before the first layer. */
export async function writeEmbedding(writer: UnitWriter): Promise<void> {
  const { layout, config, weights } = writer;
  await writer.dataFile(layout.routerData('embedding'), (file) =>
    writer.graph(layout.routerGraph('embedding'), file, (graph) => embedding(graph, config, weights.table(tensorNames.wordEmbeddings))),
  );
}

/** The graph after the last layer. */
export async function writeHead(writer: UnitWriter): Promise<void> {
  const { layout, config, weights } = writer;
  const norm = await weights.vector(tensorNames.norm);
  const stored = weights.matrix(config.tieWordEmbeddings ? tensorNames.wordEmbeddings : tensorNames.lmHead);
  const lmHead = config.normHead ? await normalisedColumns(stored) : stored; // [V, H]
  await writer.dataFile(layout.routerData('head'), async (file) => {
    for (const part of partsOf(config)) {
      const { first, count } = rangeOf(config.vocabSize, part);
      const weightsOfPart = { norm, lmHead: rowsOf(lmHead, first, count) };
      await writer.graph(layout.routerGraph('head', part.index), file, (graph) => head(graph, config, weightsOfPart));
    }
  });
}

/** Everything of one layer but its routed experts. */
export async function writeRouterLayer(writer: UnitWriter, index: number): Promise<void> {
  const { layout, config, weights } = writer;
  const names = tensorNames.layer(index);
  const hasExperts = index >= config.firstKDenseReplace;
  await writer.dataFile(join(layout.router, `layer-${String(index).padStart(3, '0')}.bin`), async (file) => {
    const write = (name: LayerGraph, part: number, build: (graph: WeightedGraph) => Promise<void>): Promise<void> =>
      writer.graph(layout.layerGraph(index, name, part), file, build);

    const graphs = await attentionGraphs(config, weights, index);
    for (const part of partsOf(config)) {
      await write('attention-in', part.index, (graph) => graphs.attentionIn(graph, part));
      await write('attention-dense', part.index, (graph) => graphs.attentionDense(graph, part));
    }

    const mlpInWeights = {
      norm: await weights.vector(names.postAttentionLayernorm),
      gate: hasExperts ? weights.matrix(names.gate) : null,
    };
    await write('mlp-in', 0, (graph) => mlpIn(graph, config, mlpInWeights));

    if (hasExperts && config.numSharedExperts === 0) return;
    const mlpWeights = swigluWeights(weights, hasExperts ? names.sharedExperts : names.mlp);
    for (const part of partsOf(config)) {
      await write('mlp', part.index, (graph) => mlp(graph, config.hiddenSize, mlpPart(mlpWeights, part)));
    }
  });
}

function partsOf(config: ModelConfig): Part[] {
  const count = defaultNumParts(config);
  return Array.from({ length: count }, (_, index) => ({ index, count }));
}

/** A slice of an MLP's width. The parts' outputs add up to the whole's. */
function mlpPart({ gate, up, down }: SwigluWeights, part: Part): SwigluWeights {
  const { first, count } = rangeOf(gate.rows, part);
  return { gate: rowsOf(gate, first, count), up: rowsOf(up, first, count), down: columnsOf(down, first, count) };
}
