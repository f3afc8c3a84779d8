/** How a field of a protobuf message lies in its bytes (https://protobuf.dev/programming-guides/encoding). */
export const WireFormat = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

export type WireFormat = (typeof WireFormat)[keyof typeof WireFormat];

/** What stands before each field. */
export function tagOf(field: number, format: WireFormat): number {
  return (field << 3) | format;
}
