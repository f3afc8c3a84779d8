/**
 * WebAssembly by hand: bytes of the instructions that our kernels are made of. Sources: WebAssembly core specification 2.0 (SIMD), and the relaxed
 * SIMD instructions and several memories of 3.0.
 */

export const WASM_PAGE_BYTES = 65_536;
/** Addresses have 32 bits. */
const MAX_PAGES = 65_536;

export const [I32, F32, V128] = [0x7f, 0x7d, 0x7b];

const END = 0x0b;
const I32_LOAD = 0x28;
const I32_STORE = 0x36;
const I32_ADD = 0x6a;
const I32_AND = 0x71;
const I32_SHIFT_LEFT = 0x74; // i32.shl
const I32_SHIFT_RIGHT = 0x76; // i32.shr_u
const I32_LESS = 0x49; // i32.lt_u

export const ADD = [0xfd, 0xe4, 0x01]; // f32x4.add
export const SUB = [0xfd, 0xe5, 0x01]; // f32x4.sub
export const MUL = [0xfd, 0xe6, 0x01]; // f32x4.mul
export const DIV = [0xfd, 0xe7, 0x01]; // f32x4.div
/** The second of two where it is larger, else the first: one instruction of a processor, where `f32x4.max` takes nine for the sake of NaN. */
export const MAX = [0xfd, 0xeb, 0x01]; // f32x4.pmax
export const EQUAL_INTEGERS = [0xfd, 0x37]; // i32x4.eq
/** The second of two where it is smaller, else the first. */
export const MIN = [0xfd, 0xea, 0x01]; // f32x4.pmin
export const NOT_EQUAL = [0xfd, 0x42]; // f32x4.ne
export const AT_MOST = [0xfd, 0x45]; // f32x4.le
export const AT_LEAST = [0xfd, 0x46]; // f32x4.ge
export const ANY = [0xfd, 0x53]; // v128.any_true
/** A bit for each of four numbers: its sign, the lowest one the first number's. */
export const SIGNS = [0xfd, 0xa4, 0x01]; // i32x4.bitmask
/** a · b + c, rounded once where the processor can. */
export const MULTIPLY_ADD = [0xfd, 0x85, 0x02]; // f32x4.relaxed_madd
export const SPLAT = [0xfd, 0x13]; // f32x4.splat
export const TO_FLOATS = [0xfd, 0xfa, 0x01]; // f32x4.convert_i32x4_s
/** Of numbers that an integer has room for; else any. */
export const TO_INTEGERS = [0xfd, 0x81, 0x02]; // i32x4.relaxed_trunc_f32x4_s
export const ADD_INTEGERS = [0xfd, 0xae, 0x01]; // i32x4.add
/** Products of eight 16-bit integers, pairs of them added. */
export const DOT_PAIRS = [0xfd, 0xba, 0x01]; // i32x4.dot_i16x8_s
export const AND = [0xfd, 0x4e]; // v128.and
export const OR = [0xfd, 0x50]; // v128.or
/** Of three vectors: the first one's bits where the third one's are set, else the second one's. */
export const SELECT = [0xfd, 0x52]; // v128.bitselect
export const SHIFT_LEFT = [0xfd, 0xab, 0x01]; // i32x4.shl
export const SHIFT_RIGHT = [0xfd, 0xad, 0x01]; // i32x4.shr_u
/** The first and the last eight of sixteen bytes, as 16-bit integers. */
export const LOW_BYTES = [0xfd, 0x87, 0x01]; // i16x8.extend_low_i8x16_s
export const HIGH_BYTES = [0xfd, 0x88, 0x01]; // i16x8.extend_high_i8x16_s
/** The first two of four floats, as doubles. */
export const TO_DOUBLES = [0xfd, 0x5f]; // f64x2.promote_low_f32x4
export const ADD_DOUBLES = [0xfd, 0xf0, 0x01]; // f64x2.add

export const get = (local: number): number[] => [0x20, local];
export const set = (local: number): number[] => [0x21, local];
export const constant = (value: number): number[] => [0x41, ...signed(value)];
export const increase = (local: number, by: number): number[] => [...get(local), ...constant(by), I32_ADD, ...set(local)];

/** Of single integers. */
export const ADD_WORDS = [I32_ADD];
export const shiftLeft = (bits: number): number[] => [...constant(bits), I32_SHIFT_LEFT];
export const shiftRight = (bits: number): number[] => [...constant(bits), I32_SHIFT_RIGHT];
export const maskBy = (bits: number): number[] => [...constant(bits), I32_AND];
/** A single integer, or the bits of a float, at address + offset; the address is a multiple of 4. */
export const loadWord = (offset: number): number[] => [I32_LOAD, ...place(2, offset, 0)];
export const storeWord = (offset: number): number[] => [I32_STORE, ...place(2, offset, 0)];

/** One of a vector's four integers or floats. */
export const laneOf = (lane: number): number[] => [0xfd, 0x1b, lane]; // i32x4.extract_lane
export const floatLaneOf = (lane: number): number[] => [0xfd, 0x1f, lane]; // f32x4.extract_lane
/** Of single floats and doubles. */
export const TO_DOUBLE = [0xbb]; // f64.promote_f32
export const ADD_DOUBLE = [0xa0]; // f64.add
export const loadDouble = (offset: number): number[] => [0x2b, ...place(3, offset, 0)];
export const storeDouble = (offset: number): number[] => [0x39, ...place(3, offset, 0)];

/** Four floats at address + offset; addresses here are multiples of 16. @param memory which of the module's */
export const load = (offset: number, memory = 0): number[] => [0xfd, 0x00, ...place(4, offset, memory)];
export const store = (offset: number): number[] => [0xfd, 0x0b, ...place(4, offset, 0)];
/** One float at address + offset, four times. */
export const splatFrom = (offset: number, memory = 0): number[] => [0xfd, 0x09, ...place(2, offset, memory)];

/** The same float four times. */
export function floats(value: number): number[] {
  const bytes = new Uint8Array(Float32Array.of(value, value, value, value).buffer);
  return [0xfd, 0x0c, ...bytes]; // v128.const
}

/** Four integers; of one value the same four times. */
export function integers(first: number, second = first, third = first, fourth = first): number[] {
  const bytes = new Uint8Array(Int32Array.of(first, second, third, fourth).buffer);
  return [0xfd, 0x0c, ...bytes]; // v128.const
}

/** Picks four numbers of two vectors: 0 to 3 are the first one's, 4 to 7 the second one's. */
export function pick(...lanes: [number, number, number, number]): number[] {
  return [0xfd, 0x0d, ...lanes.flatMap((lane) => [0, 1, 2, 3].map((byte) => lane * 4 + byte))]; // i8x16.shuffle
}

/** The body runs once at least. @param limit pushes what the local is compared with */
export function loopWhileBelow(local: number, limit: number[], body: number[]): number[] {
  return [0x03, 0x40, ...body, ...get(local), ...limit, I32_LESS, 0x0d, 0, END];
}

/** What is done where the number that `condition` pushes is not zero. */
export function onlyIf(condition: number[], body: number[]): number[] {
  return [...condition, 0x04, 0x40, ...body, END];
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

/** A memory that a module imports by its name, as `memory.name`. */
export interface KernelMemory {
  name: string;
  /** Pages that it has at least; undefined for one that threads share, of any size. */
  pages?: number;
}

/** A module that exports functions over memories, which instructions know by their place in the list. @param name of the module, which changes nothing */
export function assemble(functions: readonly KernelFunction[], memories: readonly KernelMemory[], name = ''): WebAssembly.Module {
  const list = (items: number[][]): number[] => [...unsigned(items.length), ...items.flat()];
  const limits = ({ pages }: KernelMemory): number[] =>
    pages === undefined ? [0x03, 0, ...unsigned(MAX_PAGES)] : [0x00, ...unsigned(pages)];
  const bytes = Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, list(functions.map(({ parameters }) => [0x60, ...unsigned(parameters.length), ...parameters, 0]))),
    ...section(2, list(memories.map((memory) => [...text('memory'), ...text(memory.name), 0x02, ...limits(memory)]))),
    ...section(3, list(functions.map((_, index) => [index]))),
    ...section(7, list(functions.map(({ name }, index) => [...text(name), 0x00, index]))),
    ...section(
      10,
      list(functions.map(({ locals, body }) => sized([...list(locals.map(([count, type]) => [...unsigned(count), type])), ...body, END]))),
    ),
    ...section(0, text(name)), // custom
  ]);
  return new WebAssembly.Module(bytes);
}

/** An instance's functions. */
export type KernelCalls = Record<string, (...values: number[]) => void>;

/** @param memory by the names that the module imports them by */
export function instantiate(module: WebAssembly.Module, memory: Record<string, WebAssembly.Memory>): KernelCalls {
  return new WebAssembly.Instance(module, { memory }).exports as KernelCalls;
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

/** What an instruction says of where it reads or writes. @param alignment its binary logarithm */
function place(alignment: number, offset: number, memory: number): number[] {
  return memory === 0 ? [alignment, ...unsigned(offset)] : [alignment | 0x40, ...unsigned(memory), ...unsigned(offset)];
}

/** LEB128 */
function unsigned(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...unsigned(value >>> 7)];
}

/** LEB128 of a number that is not negative. */
function signed(value: number): number[] {
  return value < 64 ? [value] : [(value & 127) | 128, ...signed(value >>> 7)];
}
