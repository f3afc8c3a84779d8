/**
 * WebAssembly by hand: bytes of the instructions that our kernels are made of. Sources: WebAssembly core specification 2.0 (SIMD), and the relaxed
 * SIMD instructions of 3.0.
 */

export const WASM_PAGE_BYTES = 65_536;

export const [I32, F32, V128] = [0x7f, 0x7d, 0x7b];

const END = 0x0b;
const I32_ADD = 0x6a;
const I32_LESS = 0x49; // i32.lt_u

export const ADD = [0xfd, 0xe4, 0x01]; // f32x4.add
export const SUB = [0xfd, 0xe5, 0x01]; // f32x4.sub
export const MUL = [0xfd, 0xe6, 0x01]; // f32x4.mul
export const DIV = [0xfd, 0xe7, 0x01]; // f32x4.div
export const MAX = [0xfd, 0xe9, 0x01]; // f32x4.max
export const NEAREST = [0xfd, 0x6a]; // f32x4.nearest
/** a · b + c, rounded once where the processor can. */
export const MULTIPLY_ADD = [0xfd, 0x85, 0x02]; // f32x4.relaxed_madd
export const SPLAT = [0xfd, 0x13]; // f32x4.splat
export const TO_FLOATS = [0xfd, 0xfa, 0x01]; // f32x4.convert_i32x4_s
export const TO_INTEGERS = [0xfd, 0xf8, 0x01]; // i32x4.trunc_sat_f32x4_s
export const ADD_INTEGERS = [0xfd, 0xae, 0x01]; // i32x4.add
/** Products of eight 16-bit integers, pairs of them added. */
export const DOT_PAIRS = [0xfd, 0xba, 0x01]; // i32x4.dot_i16x8_s
export const OR = [0xfd, 0x50]; // v128.or
export const SHIFT_LEFT = [0xfd, 0xab, 0x01]; // i32x4.shl

export const get = (local: number): number[] => [0x20, local];
export const set = (local: number): number[] => [0x21, local];
export const constant = (value: number): number[] => [0x41, ...signed(value)];
export const increase = (local: number, by: number): number[] => [...get(local), ...constant(by), I32_ADD, ...set(local)];

/** Four floats at address + offset; addresses here are multiples of 16. */
export const load = (offset: number): number[] => [0xfd, 0x00, 4, ...unsigned(offset)];
export const store = (offset: number): number[] => [0xfd, 0x0b, 4, ...unsigned(offset)];
/** Eight bytes at address + offset, as 16-bit integers. */
export const loadBytes = (offset: number): number[] => [0xfd, 0x01, 3, ...unsigned(offset)];
/** One float at address + offset, four times. */
export const splatFrom = (offset: number): number[] => [0xfd, 0x09, 2, ...unsigned(offset)];

/** The same float four times. */
export function floats(value: number): number[] {
  const bytes = new Uint8Array(Float32Array.of(value, value, value, value).buffer);
  return [0xfd, 0x0c, ...bytes]; // v128.const
}

/** The same integer four times. */
export function integers(value: number): number[] {
  const bytes = new Uint8Array(Int32Array.of(value, value, value, value).buffer);
  return [0xfd, 0x0c, ...bytes]; // v128.const
}

/** Picks four numbers of two vectors: 0 to 3 are the first one's, 4 to 7 the second one's. */
export function pick(...lanes: [number, number, number, number]): number[] {
  return [0xfd, 0x0d, ...lanes.flatMap((lane) => [0, 1, 2, 3].map((byte) => lane * 4 + byte))]; // i8x16.shuffle
}

/** The lower or upper halves of two vectors of eight 16-bit integers, taken in turn. */
export function interleave(half: 'low' | 'high'): number[] {
  const first = half === 'low' ? 0 : 8;
  const bytes = [0, 2, 4, 6].flatMap((byte) => [0, 1, 16, 17].map((lane) => first + byte + lane));
  return [0xfd, 0x0d, ...bytes]; // i8x16.shuffle
}

/** The body runs once at least. @param limit pushes what the local is compared with */
export function loopWhileBelow(local: number, limit: number[], body: number[]): number[] {
  return [0x03, 0x40, ...body, ...get(local), ...limit, I32_LESS, 0x0d, 0, END];
}

/** A function without results. */
export interface KernelFunction {
  name: string;
  /** Types of its parameters, which are its first locals. */
  parameters: number[];
  /** How many locals of each type follow them. */
  locals: [count: number, type: number][];
  body: number[];
}

/** A module that exports functions over the memory `memory.memory`. */
export function assemble(functions: readonly KernelFunction[], memoryPages: number): Uint8Array<ArrayBuffer> {
  const list = (items: number[][]): number[] => [...unsigned(items.length), ...items.flat()];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, list(functions.map(({ parameters }) => [0x60, ...unsigned(parameters.length), ...parameters, 0]))),
    ...section(2, [1, ...text('memory'), ...text('memory'), 0x02, 0x00, ...unsigned(memoryPages)]),
    ...section(3, list(functions.map((_, index) => [index]))),
    ...section(7, list(functions.map(({ name }, index) => [...text(name), 0x00, index]))),
    ...section(
      10,
      list(functions.map(({ locals, body }) => sized([...list(locals.map(([count, type]) => [...unsigned(count), type])), ...body, END]))),
    ),
  ]);
}

/** @returns the functions of an assembled module */
export function instantiate(module: Uint8Array<ArrayBuffer>, memory: WebAssembly.Memory): Record<string, (...values: number[]) => void> {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module), { memory: { memory } });
  return exports as Record<string, (...values: number[]) => void>;
}

function section(id: number, content: number[]): number[] {
  return [id, ...sized(content)];
}

function sized(content: number[]): number[] {
  return [...unsigned(content.length), ...content];
}

function text(value: string): number[] {
  return sized([...new TextEncoder().encode(value)]);
}

/** LEB128 */
function unsigned(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...unsigned(value >>> 7)];
}

/** LEB128 of a number that is not negative. */
function signed(value: number): number[] {
  return value < 64 ? [value] : [(value & 127) | 128, ...signed(value >>> 7)];
}
