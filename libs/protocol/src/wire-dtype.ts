import type { DType } from '@ringmesh/tensor';
import { WireType } from './gen/ringmesh/expert/v1/expert.js';

const WIRE_TYPES: Record<DType, WireType> = { f32: WireType.WIRE_TYPE_F32, bf16: WireType.WIRE_TYPE_BF16, f16: WireType.WIRE_TYPE_F16 };
const DTYPES = new Map<number, DType>(Object.entries(WIRE_TYPES).map(([dtype, wireType]) => [wireType, dtype as DType]));

export function wireTypeOf(dtype: DType): WireType {
  return WIRE_TYPES[dtype];
}

/** @param wireType a WireType @returns undefined where the peer left the field out or is newer than we are */
export function dtypeOf(wireType: number): DType | undefined {
  return DTYPES.get(wireType);
}
