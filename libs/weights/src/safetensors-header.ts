import { CheckpointCorruptError, ConfigUnsupportedError, JsonFields } from '@ringmesh/core';
import { BYTES_PER_ELEMENT, type DType } from '@ringmesh/tensor';

/** Where a tensor lies in a safetensors file. */
export interface TensorSpan {
  dtype: DType;
  shape: readonly number[];
  /** From the start of the file. */
  offset: number;
  bytes: number;
}

const DTYPES: Readonly<Record<string, DType>> = { F32: 'f32', F16: 'f16', BF16: 'bf16' };
const MAX_DIMENSIONS = 8;

/**
 * Reads a safetensors header: tensors tile the data part of the file without gap or overlap.
 * Source: https://github.com/huggingface/safetensors#format
 * @param dataStart offset of the data part, right after the header
 * @param fileBytes size of the whole file
 * @throws CheckpointCorruptError where header and file disagree
 * @throws ConfigUnsupportedError for number formats other than F32, F16 and BF16
 */
export function readSafetensorsHeader(json: unknown, path: string, dataStart: number, fileBytes: number): Map<string, TensorSpan> {
  const header = JsonFields.of(json, { file: path, ErrorClass: CheckpointCorruptError });
  const names = header.keys().filter((name) => name !== '__metadata__');
  const spans = new Map(names.map((name) => [name, readSpan(header.object(name), name, path, dataStart)]));

  const inFileOrder = [...spans].sort(([, a], [, b]) => a.offset - b.offset || a.bytes - b.bytes);
  let end = dataStart;
  for (const [name, span] of inFileOrder) {
    if (span.offset !== end) {
      const problem = span.offset < end ? 'overlaps the tensor before it' : 'leaves a gap after the tensor before it';
      throw new CheckpointCorruptError(
        `${path}: ${name} ${problem} (it starts at byte ${span.offset}, expected ${end}); fetch the file again`,
        {
          field: name,
        },
      );
    }
    end += span.bytes;
  }
  if (end !== fileBytes) {
    const problem = end > fileBytes ? 'it is cut short' : 'it has bytes that belong to no tensor';
    throw new CheckpointCorruptError(`${path} has ${fileBytes} bytes but its header describes ${end}: ${problem}; fetch the file again`, {
      field: path,
    });
  }
  return spans;
}

function readSpan(entry: JsonFields, name: string, path: string, dataStart: number): TensorSpan {
  const dtypeName = entry.string('dtype', 16);
  const dtype = DTYPES[dtypeName];
  if (dtype === undefined) {
    throw new ConfigUnsupportedError(`${path}: ${name} is stored as ${dtypeName}; use a checkpoint in BF16, F16 or F32`, { field: name });
  }
  const shape = entry.integers('shape', 0, Number.MAX_SAFE_INTEGER, MAX_DIMENSIONS);
  const [begin, end, ...rest] = entry.integers('data_offsets', 0, Number.MAX_SAFE_INTEGER, 2);
  if (begin === undefined || end === undefined || rest.length > 0 || end < begin) {
    return entry.fail('data_offsets', 'must be [begin, end] with begin ≤ end');
  }
  const bytes = shape.reduce((product, size) => product * size, BYTES_PER_ELEMENT[dtype]);
  if (end - begin !== bytes) {
    throw new CheckpointCorruptError(
      `${path}: ${name} [${shape.join(', ')}] ${dtypeName} takes ${bytes} bytes, but the header gives it ${end - begin}`,
      {
        field: name,
      },
    );
  }
  return { dtype, shape, offset: dataStart + begin, bytes };
}
