/** Where {@link recurrenceKernel} finds things in its memory: byte addresses, all but `state` of one row [D]. */
export interface KernelLayout {
  query: number;
  key: number;
  value: number;
  output: number;
  state: number;
  totalBytes: number;
}

export const WASM_PAGE_BYTES = 65_536;

/** @param headDim a multiple of 4 */
export function kernelLayout(headDim: number): KernelLayout {
  const row = headDim * 4;
  return { query: 0, key: row, value: 2 * row, output: 3 * row, state: 4 * row, totalBytes: 4 * row + headDim * row };
}

/**
 * A WebAssembly module (core specification 2.0 with SIMD) whose export `recur(decay: f32)` computes, over the memory `memory.memory`,
 * state = decay · state + key valueᵀ and output += stateᵀ query. Four rows of the state at a time, so that the output is read and
 * written a quarter as often.
 * @param headDim a multiple of 4; it and all addresses are constants of the code
 */
export function recurrenceKernel(headDim: number): Uint8Array<ArrayBuffer> {
  const layout = kernelLayout(headDim);
  const rowBytes = headDim * 4;
  // Locals: 0 decay, 1 row (bytes), 2 column (bytes), 3 state row, then vectors.
  const [ROW, COLUMN, STATE, DECAY, V, OUT, NEXT, K, Q] = [1, 2, 3, 4, 5, 6, 7, 8, 12];
  const rows = [0, 1, 2, 3];
  // prettier-ignore
  const column = [
    ...get(COLUMN), ...load(layout.value), ...set(V),
    ...get(COLUMN), ...load(layout.output), ...set(OUT),
    ...rows.flatMap((row) => [
      ...get(STATE), ...load(layout.state + row * rowBytes), ...get(DECAY), ...MUL,
      ...get(K + row), ...get(V), ...MUL, ...ADD, ...set(NEXT),
      ...get(STATE), ...get(NEXT), ...store(layout.state + row * rowBytes),
      ...get(OUT), ...get(Q + row), ...get(NEXT), ...MUL, ...ADD, ...set(OUT),
    ]),
    ...get(COLUMN), ...get(OUT), ...store(layout.output),
    ...increase(STATE, 16),
    ...increase(COLUMN, 16),
  ];
  // prettier-ignore
  const fourRows = [
    ...rows.flatMap((row) => [...get(ROW), ...splatFrom(layout.key + row * 4), ...set(K + row)]),
    ...rows.flatMap((row) => [...get(ROW), ...splatFrom(layout.query + row * 4), ...set(Q + row)]),
    ...constant(0), ...set(COLUMN),
    ...loopWhileBelow(COLUMN, rowBytes, column),
    // One row has passed with the columns.
    ...increase(STATE, 3 * rowBytes),
    ...increase(ROW, 16),
  ];
  const body = [...get(0), ...SPLAT, ...set(DECAY), ...loopWhileBelow(ROW, rowBytes, fourRows), END];
  const locals = [2, ...group(3, I32), ...group(12, V128)];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, [1, 0x60, 1, F32, 0]), // type 0: (f32) → ()
    ...section(2, [1, ...text('memory'), ...text('memory'), 0x02, 0x00, ...unsigned(Math.ceil(layout.totalBytes / WASM_PAGE_BYTES))]),
    ...section(3, [1, 0]),
    ...section(7, [1, ...text('recur'), 0x00, 0]),
    ...section(10, [1, ...sized([...locals, ...body])]),
  ]);
}

const [I32, F32, V128] = [0x7f, 0x7d, 0x7b];
const END = 0x0b;
const SPLAT = [0xfd, 0x13]; // f32x4.splat
const ADD = [0xfd, 0xe4, 0x01]; // f32x4.add
const MUL = [0xfd, 0xe6, 0x01]; // f32x4.mul
const I32_ADD = 0x6a;
const I32_LESS = 0x49; // i32.lt_u

const get = (local: number): number[] => [0x20, local];
const set = (local: number): number[] => [0x21, local];
const constant = (value: number): number[] => [0x41, ...signed(value)];
const increase = (local: number, by: number): number[] => [...get(local), ...constant(by), I32_ADD, ...set(local)];
/** Four floats at address + offset; addresses here are multiples of 16. */
const load = (offset: number): number[] => [0xfd, 0x00, 4, ...unsigned(offset)];
const store = (offset: number): number[] => [0xfd, 0x0b, 4, ...unsigned(offset)];
/** One float at address + offset, four times. */
const splatFrom = (offset: number): number[] => [0xfd, 0x09, 2, ...unsigned(offset)];

/** The body runs once at least. */
function loopWhileBelow(local: number, limit: number, body: number[]): number[] {
  return [0x03, 0x40, ...body, ...get(local), ...constant(limit), I32_LESS, 0x0d, 0, END];
}

function group(count: number, type: number): number[] {
  return [count, type];
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
