/** Number formats of weights and wires. */
export type DType = 'f32' | 'f16' | 'bf16';

/** Bytes of one element. */
export const BYTES_PER_ELEMENT: Record<DType, number> = { f32: 4, f16: 2, bf16: 2 };
