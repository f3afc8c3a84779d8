import { float32 } from '@ringmesh/onnx';
import { DecodeAttention, type DecodeKernel } from './decode-attention.js';
import { float32Accumulate, float32Layout, float32Score } from './float32-kernel.js';
import type { KeyValueFormat } from './key-value-format.js';
import { QUERIES } from './softmax-kernel.js';

/** Keys and values as they are. */
export const float32Format: KeyValueFormat = {
  rowBytes: (headDim) => [headDim * Float32Array.BYTES_PER_ELEMENT],
  rowsOf: (cache, { layer, row }, span) => ({ data: cache.floats(layer, row, span) }),
  write: (source, { data }) => data.set(source),
  allocate: (numTokens, headDim) => ({ data: new Float32Array(numTokens * headDim) }),
  openDecode: (headDim, blocks) => new DecodeAttention(headDim, float32Kernel(headDim), blocks),
  input: (graph, name, headDim) => graph.input(name, 'float32', ['L', headDim]),
  feeds: (name, { data }, headDim) => ({ [name]: float32(data as Float32Array, [data.length / headDim, headDim]) }),
};

function float32Kernel(headDim: number): DecodeKernel {
  const layout = float32Layout(headDim);
  return {
    layout,
    score: float32Score(layout, headDim),
    accumulate: float32Accumulate(layout, headDim),
    open(buffer) {
      const queries = new Float32Array(buffer, layout.queries, QUERIES * headDim); // [4, D]
      return (source, scale) => {
        queries.fill(0);
        for (let i = 0; i < source.length; i++) queries[i] = source[i]! * scale;
      };
    },
  };
}
