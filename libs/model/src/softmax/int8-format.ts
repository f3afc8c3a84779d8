import { float32, int8 } from '@ringmesh/onnx';
import { DecodeAttention, type DecodeKernel } from './decode-attention.js';
import { int8Accumulate } from './int8-accumulate.js';
import { INT8_LEVELS, int8Layout, paddedDim, queryLevels } from './int8-layout.js';
import { int8Score } from './int8-score.js';
import type { KeyValueFormat } from './key-value-format.js';
import { QUERIES } from './softmax-kernel.js';

/**
 * Keys and values as bytes with a scale for each token and KV head: a quarter of the memory, and of what a token reads. Queries and weights
 * are rounded to 15 bits, which is finer than what the cache has lost.
 */
export const int8Format: KeyValueFormat = {
  rowBytes: (headDim) => [headDim, Float32Array.BYTES_PER_ELEMENT],
  rowsOf: (cache, { layer, row, numRows }, span) => ({
    data: cache.bytes(layer, row, span),
    scales: cache.floats(layer, numRows + row, span),
  }),
  write(source, { data, scales }) {
    const headDim = data.length / scales!.length;
    for (let token = 0; token < scales!.length; token++) {
      const start = token * headDim;
      scales![token] = quantize(source.subarray(start, start + headDim), data.subarray(start) as Int8Array, INT8_LEVELS, 1);
    }
  },
  allocate: (numTokens, headDim) => ({ data: new Int8Array(numTokens * headDim), scales: new Float32Array(numTokens) }),
  openDecode: (headDim, blocks) => new DecodeAttention(headDim, int8Kernel(headDim), blocks),
  input(graph, name, headDim) {
    const data = graph.input(name, 'int8', ['L', headDim]);
    const scales = graph.input(`${name}_scales`, 'float32', ['L']);
    return graph.op('DequantizeLinear', [data, scales], { axis: 0 }); // [L, D]
  },
  feeds: (name, { data, scales }, headDim) => ({
    [name]: int8(data as Int8Array, [data.length / headDim, headDim]),
    [`${name}_scales`]: float32(scales!, [scales!.length]),
  }),
};

function int8Kernel(headDim: number): DecodeKernel {
  const layout = int8Layout(headDim);
  const levels = queryLevels(headDim);
  return {
    layout,
    score: int8Score(layout, headDim),
    accumulate: int8Accumulate(layout, headDim),
    open(buffer) {
      const width = paddedDim(headDim);
      const queries = new Int16Array(buffer, layout.queries, QUERIES * width); // [4, P]
      const queryScales = new Float32Array(buffer, layout.queryScales, QUERIES);
      return (source, scale) => {
        queries.fill(0);
        queryScales.fill(0);
        for (let query = 0; query * headDim < source.length; query++) {
          const row = source.subarray(query * headDim, (query + 1) * headDim); // [D]
          queryScales[query] = quantize(row, queries.subarray(query * width), levels, scale);
        }
      };
    },
  };
}

/**
 * Rounds a row [D] times `scale` to whole numbers from −levels to levels.
 * @returns what the row is multiplied by; NaN where a number is not finite, so that this does not get lost
 */
function quantize(row: Float32Array, target: Int8Array | Int16Array, levels: number, scale: number): number {
  let largest = 0;
  for (const number of row) largest = Math.max(largest, Math.abs(number));
  if (!Number.isFinite(largest)) return NaN;
  const inverse = largest === 0 ? 0 : levels / largest;
  for (let i = 0; i < row.length; i++) target[i] = Math.round(row[i]! * inverse);
  return (largest / levels) * scale;
}
