import {
  type AttributeProto,
  AttributeProto_AttributeType as AttributeType,
  type GraphProto,
  ModelProto,
  type TensorProto,
  TensorProto_DataLocation as DataLocation,
  type ValueInfoProto,
} from './gen/onnx/onnx.js';

/** Element types our graphs use, with their numbers in ONNX's TensorProto.DataType. */
export const ELEMENT_TYPES = { float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7, float16: 10, bfloat16: 16 } as const;
export type ElementType = keyof typeof ELEMENT_TYPES;

/** A value inside a graph. The brand keeps names of one graph from being passed as plain text. */
export type Value = string & { readonly __value: unique symbol };

/** Where a weight's bytes lie, beside the graph's file. `offset` should be a multiple of 4096 so that the weight can be mapped. */
export interface ExternalData {
  file: string;
  offset: number;
  length: number;
}

/** A dimension: a number, or a name for one that varies from run to run (`T`). */
export type Dimension = number | string;

export type AttributeValue = number | string | { float: number } | number[];

const OPSET = 21;
const MICROSOFT = 'com.microsoft';
const CONTRIB_OPS = new Set(['MatMulNBits', 'RotaryEmbedding', 'QuickGelu', 'FusedMatMul']);

/**
 * Writes one ONNX graph (IR 10, opset 21 and com.microsoft 1). Values are made by {@link input}, {@link weight}, {@link constant} and
 * {@link op}, in the order of the computation; {@link build} gives the file's bytes.
 */
export class GraphBuilder {
  private readonly graph: GraphProto;
  private nextId = 0;

  constructor(name: string) {
    this.graph = { name, node: [], initializer: [], input: [], output: [] };
  }

  /** A value fed at run time. */
  input(name: string, type: ElementType, dims: Dimension[]): Value {
    this.graph.input.push(valueInfo(name, type, dims));
    return name as Value;
  }

  /** A weight whose bytes are in a file beside the graph. */
  weight(name: string, type: ElementType, dims: number[], data: ExternalData): Value {
    this.graph.initializer.push({
      ...tensor(name, type, dims),
      dataLocation: DataLocation.EXTERNAL,
      externalData: [
        { key: 'location', value: data.file },
        { key: 'offset', value: String(data.offset) },
        { key: 'length', value: String(data.length) },
      ],
    });
    return name as Value;
  }

  /** A small tensor inside the graph's file. */
  constant(data: Float32Array | BigInt64Array, dims: number[]): Value {
    const name = `constant_${this.nextId++}`;
    const type = data instanceof Float32Array ? 'float32' : 'int64';
    this.graph.initializer.push({ ...tensor(name, type, dims), rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) });
    return name as Value;
  }

  /** A 1-D int64 constant: axes, shapes, split sizes. */
  shape(...values: number[]): Value {
    return this.constant(BigInt64Array.from(values, BigInt), [values.length]);
  }

  /** An operator with one output. An absent optional input is `null`. */
  op(opType: string, inputs: (Value | null)[], attributes: Record<string, AttributeValue> = {}): Value {
    return this.ops(opType, inputs, 1, attributes)[0]!;
  }

  /** An operator with several outputs. */
  ops(opType: string, inputs: (Value | null)[], numOutputs: number, attributes: Record<string, AttributeValue> = {}): Value[] {
    const id = this.nextId++;
    const outputs = Array.from({ length: numOutputs }, (_, index) => `${opType}_${id}_${index}` as Value);
    this.graph.node.push({
      opType,
      name: `${opType}_${id}`,
      domain: CONTRIB_OPS.has(opType) ? MICROSOFT : '',
      input: inputs.map((value) => value ?? ''),
      output: outputs,
      attribute: Object.entries(attributes).map(([name, value]) => attribute(name, value)),
    });
    return outputs;
  }

  /** Names a value as an output of the graph. */
  output(name: string, value: Value, type: ElementType, dims: Dimension[]): void {
    this.graph.node.push({ opType: 'Identity', name: `output_${name}`, domain: '', input: [value], output: [name], attribute: [] });
    this.graph.output.push(valueInfo(name, type, dims));
  }

  /** The bytes of the `.onnx` file. */
  build(): Uint8Array {
    return ModelProto.encode({
      irVersion: 10,
      producerName: 'ringmesh',
      graph: this.graph,
      opsetImport: [
        { domain: '', version: OPSET },
        { domain: MICROSOFT, version: 1 },
      ],
    }).finish();
  }
}

function tensor(name: string, type: ElementType, dims: number[]): TensorProto {
  return { name, dims, dataType: ELEMENT_TYPES[type], rawData: new Uint8Array(), externalData: [], dataLocation: DataLocation.DEFAULT };
}

function valueInfo(name: string, type: ElementType, dims: Dimension[]): ValueInfoProto {
  const dim = dims.map((value) => (typeof value === 'number' ? { dimValue: value } : { dimParam: value }));
  return { name, type: { tensorType: { elemType: ELEMENT_TYPES[type], shape: { dim } } } };
}

function attribute(name: string, value: AttributeValue): AttributeProto {
  const empty = { name, f: 0, i: 0, s: new Uint8Array(), floats: [], ints: [] };
  if (typeof value === 'number') return { ...empty, i: value, type: AttributeType.INT };
  if (typeof value === 'string') return { ...empty, s: new TextEncoder().encode(value), type: AttributeType.STRING };
  if (Array.isArray(value)) return { ...empty, ints: value, type: AttributeType.INTS };
  return { ...empty, f: value.float, type: AttributeType.FLOAT };
}
