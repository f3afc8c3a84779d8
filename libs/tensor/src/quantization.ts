/** How matrices are stored. `blockSize` counts the weights along K that share one scale. */
export type Quantization = { method: 'f32' } | { method: 'q8' | 'q4'; blockSize: number };
