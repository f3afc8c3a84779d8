import { setFlagsFromString } from 'node:v8';
import { assemble, type KernelFunction, type KernelMemory } from './assembler.js';

/** Puts pairs of vectors together, which is experimental in V8, and compiles for speed at the first call. Their opposites are V8's defaults. */
const WIDE_VECTORS = ['--experimental-wasm-revectorize', '--no-liftoff'];
const AS_USUAL = ['--no-experimental-wasm-revectorize', '--liftoff'];

/**
 * A module whose pairs of vectors ({@link bothHalves}) are wide ones, where V8 and the processor have them and all that it computes in a trial is, bit
 * for bit, what it computes without them; otherwise it is as V8 makes it by itself. Only this module is compiled so: V8's flags are the process's
 * own, and are put back.
 * @param trial calls each function over the same data, and returns all that they wrote
 */
export function assembleWide(
  functions: readonly KernelFunction[],
  memories: readonly KernelMemory[],
  trial: (module: WebAssembly.Module) => Uint8Array,
): WebAssembly.Module {
  const plain = assemble(functions, memories);
  if (process.arch !== 'x64') return plain;
  const expected = trial(plain);
  // Another name makes it another module, which V8 compiles anew.
  const wide = assemble(functions, memories, 'wide');
  return Buffer.compare(
    withFlags(() => trial(wide)),
    expected,
  ) === 0
    ? wide
    : plain;
}

/** Functions are compiled when they are called first, and stay as they are then. */
function withFlags<T>(call: () => T): T {
  for (const flag of WIDE_VECTORS) setFlagsFromString(flag);
  try {
    return call();
  } finally {
    for (const flag of AS_USUAL) setFlagsFromString(flag);
  }
}
