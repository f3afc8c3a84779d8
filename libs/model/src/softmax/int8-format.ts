import { float32, int8 } from '@ringmesh/onnx';
import { DecodeAttention, type DecodeKernel, paddedDim } from './decode-attention.js';
import { INT8_BLOCK_TOKENS, INT8_LEVELS, int8Accumulate, int8Layout, int8Score, queryLevels } from './int8-kernel.js';
import type { KeyValueFormat } from './key-value-format.js';
import { QUERIES } from './softmax-kernel.js';

/**
 * Keys and values as bytes with a scale for each token and KV head: a quarter of the memory, and of what a token reads. Queries and weights
 * are rounded to 15 bits, which is finer than what the cache has lost.
 */
export const int8Format: KeyValueFormat = {
  rowBytes: (headDim) => [headDim, Float32Array.BYTES_PER_ELEMENT],
  rowsOf: (cache, { layer, row, numRows }, first, end) => ({
    data: cache.bytes(layer, row, first, end),
    scales: cache.floats(layer, numRows + row, first, end),
  }),
  write(source, { data, scales }) {
    const headDim = data.length / scales!.length;
    for (let token = 0; token < scales!.length; token++) {
      scales![token] = quantize(source, token * headDim, data as Int8Array, token * headDim, headDim, INT8_LEVELS, 1);
    }
  },
  openDecode: (headDim) => new DecodeAttention(headDim, int8Kernel(headDim)),
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
  const padded = paddedDim(headDim);
  const layout = int8Layout(padded);
  const levels = queryLevels(padded);
  return {
    layout,
    blockTokens: INT8_BLOCK_TOKENS,
    elementBytes: Int8Array.BYTES_PER_ELEMENT,
    functions: [int8Score(layout, padded), int8Accumulate(layout, padded)],
    open(buffer) {
      const queries = new Int16Array(buffer, layout.queries, QUERIES * padded); // [4, padded D]
      const queryScales = new Float32Array(buffer, layout.queryScales, QUERIES);
      return (source, scale) => {
        queries.fill(0);
        queryScales.fill(0);
        for (let query = 0; query * headDim < source.length; query++) {
          queryScales[query] = quantize(source, query * headDim, queries, query * padded, headDim, levels, scale);
        }
      };
    },
  };
}

/**
 * Rounds one row [D] times `scale` to whole numbers from −levels to levels.
 * @returns what the row is multiplied by; NaN where a number is not finite, so that this does not get lost
 */
function quantize(
  source: Float32Array,
  from: number,
  target: Int8Array | Int16Array,
  to: number,
  headDim: number,
  levels: number,
  scale: number,
): number {
  let largest = 0;
  for (let i = 0; i < headDim; i++) largest = Math.max(largest, Math.abs(source[from + i]!));
  if (!Number.isFinite(largest)) return NaN;
  const inverse = largest === 0 ? 0 : levels / largest;
  for (let i = 0; i < headDim; i++) target[to + i] = Math.round(source[from + i]! * inverse);
  return (largest / levels) * scale;
}
