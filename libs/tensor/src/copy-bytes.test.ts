import fc from 'fast-check';
import { expect, it } from 'vitest';
import { copyBytes } from './copy-bytes.js';

const memory = fc.record({ isShared: fc.boolean(), offset: fc.nat(16) });

/** Memory of `length` bytes at an offset, with some around it. */
function view({ isShared, offset }: { isShared: boolean; offset: number }, length: number): Uint8Array {
  const size = offset + length + 16;
  return new Uint8Array(isShared ? new SharedArrayBuffer(size) : new ArrayBuffer(size), offset, length);
}

it('copies all bytes and no other, shared or not, at any offsets', () => {
  const lengths = fc.oneof(fc.nat(40), fc.integer({ min: 8000, max: 40_000 }));
  fc.assert(
    fc.property(memory, memory, lengths, (from, to, length) => {
      const source = view(from, length);
      const target = view(to, length);
      for (let index = 0; index < length; index++) source[index] = 1 + (index % 251);
      copyBytes(source, target);
      expect(Buffer.compare(target, source)).toBe(0);
      const around = new Uint8Array(target.buffer);
      expect(around.subarray(0, to.offset).every((byte) => byte === 0)).toBe(true);
      expect(around.subarray(to.offset + length).every((byte) => byte === 0)).toBe(true);
    }),
  );
});

it('refuses a target that is too small', () => {
  expect(() => copyBytes(new Uint8Array(9), new Uint8Array(8))).toThrow(RangeError);
});
