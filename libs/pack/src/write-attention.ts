import { attentionDense, attentionIn, headsOf, linearAttentionDense, linearAttentionIn, type Part, rangeOf } from '@ringmesh/model';
import { columnsOf, type Matrix, rowsOf, type WeightedGraph } from '@ringmesh/onnx';
import { attentionHeads, type AttentionKind, attentionKind, type ModelConfig, tensorNames } from '@ringmesh/weights';
import type { WeightSource } from './weight-source.js';

/** Builds a layer's attention graphs of one part; both come from {@link attentionGraphs}. */
export interface AttentionGraphs {
  attentionIn: (graph: WeightedGraph, part: Part) => Promise<void>;
  attentionDense: (graph: WeightedGraph, part: Part) => Promise<void>;
}

/** The attention graphs of one layer, whatever its kind. */
export function attentionGraphs(config: ModelConfig, weights: WeightSource, layer: number): Promise<AttentionGraphs> {
  return GRAPHS[attentionKind(config, layer)](config, weights, layer);
}

const GRAPHS: Readonly<Record<AttentionKind, (config: ModelConfig, weights: WeightSource, layer: number) => Promise<AttentionGraphs>>> = {
  softmax: softmaxGraphs,
  linear: linearGraphs,
};

async function softmaxGraphs(config: ModelConfig, weights: WeightSource, layer: number): Promise<AttentionGraphs> {
  const names = tensorNames.layer(layer);
  const norm = await weights.vector(names.inputLayernorm);
  const queryKeyValue = weights.matrix(names.queryKeyValue);
  const bias = config.useQkvBias ? await weights.vector(names.queryKeyValueBias) : null;
  const dense = weights.matrix(names.attentionDense);
  const denseBias = config.useBias ? await weights.vector(names.attentionDenseBias) : null;
  return {
    attentionIn(graph, part) {
      const rows = queryKeyValueRows(config, 'softmax', part);
      const queryKeyValueBias = bias && partOfVector(bias, rows);
      return attentionIn(graph, config, part, { norm, queryKeyValue: stacked(queryKeyValue, rows), queryKeyValueBias });
    },
    attentionDense(graph, part) {
      return attentionDense(graph, config, part, { dense: columnsOfPart(dense, part), denseBias: part.index === 0 ? denseBias : null });
    },
  };
}

async function linearGraphs(config: ModelConfig, weights: WeightSource, layer: number): Promise<AttentionGraphs> {
  const names = tensorNames.layer(layer);
  const norm = await weights.vector(names.inputLayernorm);
  const queryKeyValue = weights.matrix(names.queryKeyValue);
  const [down, gate] = config.useLowRank === true ? [[weights.matrix(names.gProjDown)], names.gProjUp] : [[], names.gProj];
  const gNorm = await weights.vector(names.gNorm);
  const dense = weights.matrix(names.attentionDense);
  return {
    attentionIn(graph, part) {
      const rows = queryKeyValueRows(config, 'linear', part);
      const gateOfPart = [...down, rowsOfPart(weights.matrix(gate), part)];
      return linearAttentionIn(graph, config, part, { norm, queryKeyValue: stacked(queryKeyValue, rows), gate: gateOfPart });
    },
    attentionDense(graph, part) {
      const normOfPart = partOfVector(gNorm, [rangeOf(gNorm.length, part)]);
      return linearAttentionDense(graph, config, part, { norm: normOfPart, dense: columnsOfPart(dense, part) });
    },
  };
}

interface Range {
  first: number;
  count: number;
}

/** Where queries, keys and values of a part's heads lie in query_key_value. */
function queryKeyValueRows(config: ModelConfig, kind: AttentionKind, part: Part): Range[] {
  const { headDim } = config;
  const heads = attentionHeads(config, kind);
  const { firstHead, numHeads, firstKeyValueHead, numKeyValueHeads: numOwn } = headsOf(heads, part);
  const keys = heads.numAttentionHeads + firstKeyValueHead;
  return [
    { first: firstHead * headDim, count: numHeads * headDim },
    { first: keys * headDim, count: numOwn * headDim },
    { first: (keys + heads.numKeyValueHeads) * headDim, count: numOwn * headDim },
  ];
}

function stacked(matrix: Matrix, ranges: Range[]): Matrix[] {
  return ranges.map(({ first, count }) => rowsOf(matrix, first, count));
}

function rowsOfPart(matrix: Matrix, part: Part): Matrix {
  const { first, count } = rangeOf(matrix.rows, part);
  return rowsOf(matrix, first, count);
}

function columnsOfPart(matrix: Matrix, part: Part): Matrix {
  const { first, count } = rangeOf(matrix.columns, part);
  return columnsOf(matrix, first, count);
}

function partOfVector(values: Float32Array, ranges: Range[]): Float32Array {
  return Float32Array.from(ranges.flatMap(({ first, count }) => [...values.subarray(first, first + count)]));
}
