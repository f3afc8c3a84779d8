import { get, HIGH_BYTES, load, LOW_BYTES, set } from './assembler.js';

/**
 * WebAssembly's vectors have 128 bits, a processor's may have 256. V8 puts two of them together where two stores next to each other take results of
 * the same instructions, and all that these come from can be put together as well: loads of 16 bytes next to each other, both halves of one
 * load, the same number twice (its source, wasm-revec-reducer.cc). In our kernels such a pair is two locals that follow each other, and whatever
 * happens to one happens to the other: in `bothHalves`.
 */
export function bothHalves(of: (half: number) => number[]): number[] {
  return [...of(0), ...of(1)];
}

/** Sixteen bytes at a local's address + offset, as 16-bit integers. @param spare a local @param target the first of two */
export function bytesOfHalves(address: number, offset: number, memory: number, spare: number, target: number): number[] {
  return [
    ...[...get(address), ...load(offset, memory), ...set(spare)],
    ...bothHalves((half) => [...get(spare), ...(half === 0 ? LOW_BYTES : HIGH_BYTES), ...set(target + half)]),
  ];
}
