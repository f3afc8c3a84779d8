import {
  ADD,
  assemble,
  constant,
  F32,
  get,
  I32,
  increase,
  load,
  loopWhileBelow,
  MUL,
  set,
  SPLAT,
  splatFrom,
  store,
  V128,
  WASM_PAGE_BYTES,
} from '@ringmesh/kernels';

/** Where {@link recurrenceKernel} finds things in its memory: byte addresses, all but `state` of one row [D]. */
export interface KernelLayout {
  query: number;
  key: number;
  value: number;
  output: number;
  state: number;
  pages: number;
}

/** @param headDim a multiple of 4 */
export function kernelLayout(headDim: number): KernelLayout {
  const row = headDim * 4;
  const pages = Math.ceil((4 * row + headDim * row) / WASM_PAGE_BYTES);
  return { query: 0, key: row, value: 2 * row, output: 3 * row, state: 4 * row, pages };
}

/**
 * A WebAssembly module whose export `recur(decay: f32)` computes state = decay · state + key valueᵀ and output += stateᵀ query. Four rows of the
 * state at a time, so that the output is read and written a quarter as often.
 * @param headDim a multiple of 4; it and all addresses are constants of the code
 */
export function recurrenceKernel(headDim: number): WebAssembly.Module {
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
    ...loopWhileBelow(COLUMN, constant(rowBytes), column),
    // One row has passed with the columns.
    ...increase(STATE, 3 * rowBytes),
    ...increase(ROW, 16),
  ];
  const body = [...get(0), ...SPLAT, ...set(DECAY), ...loopWhileBelow(ROW, constant(rowBytes), fourRows)];
  const recur = {
    name: 'recur',
    parameters: [F32],
    locals: [
      [3, I32],
      [12, V128],
    ] satisfies [number, number][],
    body,
  };
  return assemble([recur], [{ name: 'memory', pages: layout.pages }]);
}
