import { describe, expect, it } from 'vitest';
import { ADD_INTEGERS, constant, get, instantiate, type KernelFunction, load, set, store, V128, WASM_PAGE_BYTES } from './assembler.js';
import { assembleWide } from './compile.js';
import { bothHalves } from './halves.js';

/** `double()`: the first eight integers of the memory, twice as large. */
const double: KernelFunction = {
  name: 'double',
  parameters: [],
  locals: [[2, V128]],
  body: [
    ...bothHalves((half) => [...constant(0), ...load(16 * half), ...set(half)]),
    ...bothHalves((half) => [...constant(0), ...get(half), ...get(half), ...ADD_INTEGERS, ...store(16 * half)]),
  ],
};

/** What the module makes of 1 to 8. */
function doubled(module: WebAssembly.Module): Uint8Array {
  const memory = new WebAssembly.Memory<ArrayBuffer>({ initial: 1 });
  new Int32Array(memory.buffer).set([1, 2, 3, 4, 5, 6, 7, 8]);
  instantiate(module, { own: memory })['double']!();
  return new Uint8Array(memory.buffer);
}

const isWide = (module: WebAssembly.Module): boolean => WebAssembly.Module.customSections(module, 'wide').length === 1;
const memories = [{ name: 'own', pages: 1 }];

describe('a module for wide vectors', () => {
  it.runIf(process.arch === 'x64')('is taken where it computes the same', () => {
    const module = assembleWide([double], memories, doubled);
    expect(isWide(module)).toBe(true);
    expect([...new Int32Array(doubled(module).buffer, 0, 9)]).toEqual([2, 4, 6, 8, 10, 12, 14, 16, 0]);
  });

  it('is not taken where anything differs, be it the last bit', () => {
    const module = assembleWide([double], memories, (each) => {
      const written = doubled(each);
      if (isWide(each)) written[WASM_PAGE_BYTES - 1]! ^= 1;
      return written;
    });
    expect(isWide(module)).toBe(false);
    expect([...new Int32Array(doubled(module).buffer, 0, 2)]).toEqual([2, 4]);
  });
});
