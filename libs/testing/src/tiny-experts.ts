import { GraphBuilder } from '@ringmesh/onnx';
import { ShardRule } from '@ringmesh/placement';
import { type ModelConfig, packIdOf, PackLayout, type PackManifest } from '@ringmesh/weights';
import { mkdirSync, writeFileSync } from 'node:fs';

/** Sizes of a pack that holds experts only. */
export interface TinyExpertsShape {
  hiddenSize: number;
  moeIntermediateSize: number;
  numLayers: number;
  firstKDenseReplace: number;
  numExperts: number;
  numExpertsPerToken: number;
  numShards: number;
}

/** A pack of random SwiGLU experts in float32, and the same experts in plain float64 arithmetic. */
export interface TinyExperts {
  packDir: string;
  manifest: PackManifest;
  /** @param row [H] @returns [H] */
  expert(layer: number, expert: number, row: Float32Array): Float64Array;
}

/** Writes the graphs of all experts, weights inside, below `packDir`. The same shape gives the same weights. */
export function writeTinyExperts(packDir: string, shape: TinyExpertsShape): TinyExperts {
  const rule = new ShardRule(shape.numExperts, shape.numShards);
  const layout = new PackLayout(packDir);
  for (let shard = 0; shard < shape.numShards; shard++) {
    mkdirSync(layout.shard(shard), { recursive: true });
    for (const expert of rule.expertsOf(shard)) {
      for (let layer = shape.firstKDenseReplace; layer < shape.numLayers; layer++) {
        writeFileSync(layout.expertGraph(shard, layer, expert), expertGraph(shape, expertWeights(shape, layer, expert)));
      }
    }
  }
  return {
    packDir,
    manifest: manifestOf(shape),
    expert: (layer, expert, row) => swiglu(shape, expertWeights(shape, layer, expert), row),
  };
}

interface ExpertWeights {
  gate: Float32Array; // [H, F]
  up: Float32Array; // [H, F]
  down: Float32Array; // [F, H]
}

function expertWeights({ hiddenSize: H, moeIntermediateSize: F }: TinyExpertsShape, layer: number, expert: number): ExpertWeights {
  const random = uniform(1 + layer * 1009 + expert);
  const matrix = (rows: number, columns: number): Float32Array =>
    Float32Array.from({ length: rows * columns }, () => random() / Math.sqrt(rows));
  return { gate: matrix(H, F), up: matrix(H, F), down: matrix(F, H) };
}

/** Numbers in [−1, 1): a linear congruential generator with the constants of Numerical Recipes. */
export function uniform(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}

function expertGraph({ hiddenSize: H, moeIntermediateSize: F }: TinyExpertsShape, { gate, up, down }: ExpertWeights): Uint8Array {
  const graph = new GraphBuilder('expert');
  const hidden = graph.input('hidden', 'float32', ['T', H]);
  const silu = graph.op('QuickGelu', [graph.op('MatMul', [hidden, graph.constant(gate, [H, F])])], { alpha: { float: 1 } }); // [T, F]
  const inner = graph.op('Mul', [silu, graph.op('MatMul', [hidden, graph.constant(up, [H, F])])]); // [T, F]
  graph.output('output', graph.op('MatMul', [inner, graph.constant(down, [F, H])]), 'float32', ['T', H]);
  return graph.build();
}

/** down(SiLU(gate(row)) × up(row)) */
function swiglu({ hiddenSize: H, moeIntermediateSize: F }: TinyExpertsShape, weights: ExpertWeights, row: Float32Array): Float64Array {
  const product = (x: ArrayLike<number>, matrix: Float32Array, columns: number): Float64Array => {
    const y = new Float64Array(columns);
    for (let i = 0; i < x.length; i++) for (let j = 0; j < columns; j++) y[j]! += x[i]! * matrix[i * columns + j]!;
    return y;
  };
  const gate = product(row, weights.gate, F); // [F]
  const up = product(row, weights.up, F); // [F]
  const inner = gate.map((value, i) => (value / (1 + Math.exp(-value))) * up[i]!); // [F]
  return product(inner, weights.down, H); // [H]
}

function manifestOf({ numShards, ...sizes }: TinyExpertsShape): PackManifest {
  const config: ModelConfig = {
    ...sizes,
    modelType: 'bailing_moe',
    numAttentionHeads: 1,
    numKeyValueHeads: 1,
    headDim: sizes.hiddenSize,
    vocabSize: 1,
    numSharedExperts: 0,
    intermediateSize: sizes.firstKDenseReplace > 0 ? sizes.moeIntermediateSize : 0,
    normTopkProb: true,
    normHead: false,
    tieWordEmbeddings: false,
    useQkvBias: false,
    useBias: false,
    rmsNormEps: 1e-6,
    ropeTheta: 10_000,
    ropeScaling: null,
    maxPositionEmbeddings: 1024,
    bosTokenId: null,
    eosTokenIds: [0],
    padTokenId: null,
  };
  const unnamed = {
    formatVersion: 2 as const,
    name: 'tiny-experts',
    config,
    generationDefaults: {},
    quantization: { method: 'f32' as const },
    numShards,
    numParts: 1,
    files: [],
  };
  return { ...unnamed, packId: packIdOf(unnamed) };
}
