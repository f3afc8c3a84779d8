import { float32 } from '@ringmesh/onnx';
import { DecodeAttention, type DecodeKernel, paddedDim } from './decode-attention.js';
import { FLOAT32_BLOCK_TOKENS, float32Accumulate, float32Layout, float32Score } from './float32-kernel.js';
import type { KeyValueFormat } from './key-value-format.js';
import { QUERIES } from './softmax-kernel.js';

/** Keys and values as they are. */
export const float32Format: KeyValueFormat = {
  rowBytes: (headDim) => [headDim * Float32Array.BYTES_PER_ELEMENT],
  rowsOf: (cache, { layer, row }, first, end) => ({ data: cache.floats(layer, row, first, end) }),
  write: (source, { data }) => data.set(source),
  openDecode: (headDim) => new DecodeAttention(headDim, float32Kernel(headDim)),
  input: (graph, name, headDim) => graph.input(name, 'float32', ['L', headDim]),
  feeds: (name, { data }, headDim) => ({ [name]: float32(data as Float32Array, [data.length / headDim, headDim]) }),
};

function float32Kernel(headDim: number): DecodeKernel {
  const padded = paddedDim(headDim);
  const layout = float32Layout(padded);
  return {
    layout,
    blockTokens: FLOAT32_BLOCK_TOKENS,
    elementBytes: Float32Array.BYTES_PER_ELEMENT,
    functions: [float32Score(layout, padded), float32Accumulate(layout, padded)],
    open(buffer) {
      const queries = new Float32Array(buffer, layout.queries, QUERIES * padded); // [4, padded D]
      return (source, scale) => {
        queries.fill(0);
        for (let i = 0; i < source.length; i++) queries[Math.floor(i / headDim) * padded + (i % headDim)] = source[i]! * scale;
      };
    },
  };
}
