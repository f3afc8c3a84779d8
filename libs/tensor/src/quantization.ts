/**
 * How matrices are stored: as they are (f32), rounded (f16), or as codes of 8 or 4 bits with a scale for each `blockSize` weights along K.
 */
export type Quantization = { method: 'f32' | 'f16' } | { method: 'q8' | 'q4'; blockSize: number };
