import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { BYTES_PER_ELEMENT, decodeToF32, type DType } from '@ringmesh/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ChannelShape } from './channel-layout.js';
import type { ExpertBatch } from './expert-batch.js';
import { encodeFailedReply, encodeForwardReply, ForwardStatus, parseForwardReply, readPartials } from './forward-reply.js';
import { encodeForwardRequest } from './forward-request.js';
import { ForwardRequestReader } from './forward-request-reader.js';
import { ForwardReply, ForwardRequest } from './gen/ringmesh/expert/v1/expert.js';
import { wireTypeOf } from './wire-dtype.js';
import { maxReplyBytes, maxRequestBytes } from './wire-limits.js';

const shape: ChannelShape = {
  hiddenSize: 3,
  maxTokens: 300,
  numExperts: 200,
  expertsPerToken: 4,
  numShards: 8,
};
const dtypes = fc.constantFrom<DType>('f32', 'bf16', 'f16');

/** Values that every dtype holds exactly. */
const floats = (length: number) =>
  fc
    .array(fc.integer({ min: -128, max: 128 }), { minLength: length, maxLength: length })
    .map((values) => Float32Array.from(values, (v) => v / 8));

/** A batch as the dispatcher makes it: each token goes to 1 to k experts. */
const batches: fc.Arbitrary<ExpertBatch> = fc
  .array(fc.uniqueArray(fc.nat(shape.numExperts - 1), { minLength: 1, maxLength: shape.expertsPerToken }), {
    minLength: 1,
    maxLength: 300,
  })
  .chain((expertsOfToken) => {
    const experts = [...new Set(expertsOfToken.flat())].sort((a, b) => a - b);
    const rowsOf = experts.map((expert) => expertsOfToken.flatMap((chosen, row) => (chosen.includes(expert) ? [row] : [])));
    const numTokens = expertsOfToken.length;
    return fc.record({
      layer: fc.nat(100),
      epoch: fc.nat(),
      numTokens: fc.constant(numTokens),
      hidden: floats(numTokens * shape.hiddenSize),
      experts: fc.constant(Int32Array.from(experts)),
      counts: fc.constant(Int32Array.from(rowsOf, (rows) => rows.length)),
      rows: fc.constant(Int32Array.from(rowsOf.flat())),
      weights: floats(rowsOf.flat().length),
      nodes: fc.array(fc.nat(), { maxLength: shape.numShards }).map((nodes) => Int32Array.from(nodes)),
    });
  });
const traceparents = fc.constantFrom('', '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01');
const headers = fc.record({
  id: fc.maxSafeNat(),
  timeoutMs: fc.integer({ min: 1, max: 600_000 }),
  dtype: dtypes,
  traceparent: traceparents,
});

/** The same bytes, starting at an odd address where the socket's buffer may put them. */
function misaligned(bytes: Uint8Array): Buffer {
  const buffer = Buffer.alloc(bytes.length + 1).subarray(1);
  buffer.set(bytes);
  return buffer;
}

/** One for all: what earlier requests left in its memory must not show in later ones. */
const reader = new ForwardRequestReader(shape);

describe('ForwardRequest', () => {
  it('comes back as it was sent', () => {
    fc.assert(
      fc.property(batches, headers, (batch, header) => {
        const bytes = encodeForwardRequest(batch, header);
        expect(bytes.length).toBeLessThanOrEqual(maxRequestBytes(shape));
        expect(reader.read(misaligned(bytes))).toEqual({ ...header, batch });
      }),
      { numRuns: 50 },
    );
  });

  it('is what the generated code reads and writes', () => {
    fc.assert(
      fc.property(batches, headers, (batch, header) => {
        const bytes = encodeForwardRequest(batch, header);
        const message = ForwardRequest.decode(bytes);
        const { hidden, experts, counts, rows, weights, nodes, ...numbers } = batch;
        expect(message).toMatchObject({ ...numbers, id: header.id, timeoutMs: header.timeoutMs });
        expect([message.experts, message.counts, message.rows, message.weights, message.nodes]).toEqual(
          [experts, counts, rows, weights, nodes].map((list) => [...list]),
        );
        const decoded = new Float32Array(hidden.length);
        decodeToF32(header.dtype, message.hidden, decoded);
        expect(decoded).toEqual(hidden);

        const written = Buffer.from(ForwardRequest.encode(message).finish());
        expect(written).toEqual(bytes);
        expect(reader.read(written)).toEqual({ ...header, batch });
      }),
      { numRuns: 50 },
    );
  });

  it('reads what the generated code writes of any numbers in range, and writes the same bytes of it', () => {
    const uint31 = fc.integer({ min: 0, max: 2 ** 31 - 1 });
    const lists = fc.record({
      experts: fc.array(uint31, { maxLength: shape.numExperts }),
      counts: fc.array(uint31, { maxLength: shape.numExperts }),
      rows: fc.array(uint31, { maxLength: shape.maxTokens }),
      weights: fc.array(fc.float({ noNaN: true }), { maxLength: shape.maxTokens }),
      nodes: fc.array(uint31, { maxLength: shape.numShards }),
    });
    const numbers = fc.record({ layer: fc.integer({ min: 0, max: 2 ** 32 - 1 }), epoch: uint31 });
    fc.assert(
      fc.property(headers, numbers, lists, ({ id, timeoutMs, dtype, traceparent }, { layer, epoch }, lists) => {
        const hidden = new Uint8Array(2 * shape.hiddenSize * BYTES_PER_ELEMENT[dtype]).fill(1);
        const message = { id, layer, epoch, timeoutMs, wireType: wireTypeOf(dtype), numTokens: 2, ...lists, traceparent, hidden };
        const written = Buffer.from(ForwardRequest.encode(message).finish());
        const { batch, ...header } = reader.read(written);
        expect(header).toEqual({ id, timeoutMs, dtype, traceparent });
        expect(batch).toMatchObject({ layer, epoch, numTokens: 2 });
        const { experts, counts, rows, weights, nodes } = batch;
        expect({ experts, counts, rows, weights, nodes }).toEqual({
          experts: Int32Array.from(lists.experts),
          counts: Int32Array.from(lists.counts),
          rows: Int32Array.from(lists.rows),
          weights: Float32Array.from(lists.weights),
          nodes: Int32Array.from(lists.nodes),
        });
        expect(encodeForwardRequest(batch, header)).toEqual(written);
      }),
      { numRuns: 100 },
    );
  });

  it('may have its fields in any order, unpacked, in several parts and with others of a newer version', () => {
    const hidden = Buffer.from(Float32Array.of(1, 2, 3).buffer);
    const message = Buffer.concat([
      Buffer.from([0x7a, hidden.length]), // hidden
      hidden,
      Buffer.from([0xa0, 0x06, 0x01]), // field 100, unknown
      Buffer.from([0x58, 0x02, 0x5a, 0x01, 0x03]), // nodes: one unpacked, one packed
      Buffer.from([0x55, ...Buffer.from(Float32Array.of(0.5).buffer)]), // weights, unpacked
      Buffer.from([0x48, 0x00, 0x40, 0x01, 0x38, 0x07]), // rows, counts, experts, unpacked
      Buffer.from([0x3a, 0x03, 0x88, 0x01, 0x09, 0x3a, 0x00, 0x38, 0x0a]), // experts: two packed, none packed, one unpacked
      Buffer.from([0x30, 0x02, 0x30, 0x01, 0x28, 0x01, 0x20, 0x64, 0x10, 0x02]), // num_tokens twice, wire_type, timeout_ms, layer
      Buffer.from([0x08, 0x2a]), // id
    ]);
    const expected = {
      id: 42,
      timeoutMs: 100,
      dtype: 'f32',
      batch: {
        layer: 2,
        numTokens: 1,
        experts: Int32Array.of(7, 136, 9, 10),
        counts: Int32Array.of(1),
        rows: Int32Array.of(0),
        weights: Float32Array.of(0.5),
        nodes: Int32Array.of(2, 3),
      },
    };
    expect(reader.read(message)).toMatchObject(expected);
    expect([...ForwardRequest.decode(message).experts]).toEqual([...expected.batch.experts]);
  });

  it('skips fields that it does not know, wherever they are', () => {
    const unknown = fc.record({ number: fc.constantFrom(13, 14, 16, 2000, 2 ** 29 - 1), bytes: fc.uint8Array({ maxLength: 20 }) });
    const written = fc.tuple(batches, headers).map(([batch, header]) => ({ batch, header, bytes: encodeForwardRequest(batch, header) }));
    fc.assert(
      fc.property(written, fc.array(unknown), ({ batch, header, bytes }, fields) => {
        const writer = new BinaryWriter();
        for (const { number, bytes: value } of fields) {
          writer.tag(number, WireType.LengthDelimited).bytes(value).tag(number, WireType.Varint).uint64(Number.MAX_SAFE_INTEGER);
          writer.tag(number, WireType.Bit32).fixed32(7).tag(number, WireType.Bit64).fixed64(9);
        }
        const others = writer.finish();
        for (const message of [Buffer.concat([others, bytes]), Buffer.concat([bytes, others])]) {
          expect(reader.read(message)).toEqual({ ...header, batch });
        }
      }),
      { numRuns: 30 },
    );
  });
});

describe('ForwardReply', () => {
  const blocks = fc.array(
    fc.nat(20).chain((rows) => floats(rows * shape.hiddenSize)),
    { maxLength: 8 },
  );

  it('comes back as it was sent, and is what the generated code reads and writes', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), blocks, dtypes, (id, partials, dtype) => {
        const bytes = encodeForwardReply(id, partials, dtype);
        expect(bytes.length).toBeLessThanOrEqual(maxReplyBytes(shape));
        const reply = parseForwardReply(misaligned(bytes));
        const expected = partials.flatMap((block) => [...block]);
        const target = new Float32Array(new SharedArrayBuffer(4 * shape.maxTokens * shape.hiddenSize));
        expect(reply).toMatchObject({ id, status: ForwardStatus.STATUS_OK, message: '' });
        expect(readPartials(reply, shape.hiddenSize, target)).toBe(expected.length / shape.hiddenSize);
        expect([...target.subarray(0, expected.length)]).toEqual(expected);

        const message = ForwardReply.decode(bytes);
        expect({ ...message, partials: Buffer.from(message.partials) }).toEqual({ ...reply, partials: Buffer.from(reply.partials) });
        expect(Buffer.from(ForwardReply.encode(message).finish())).toEqual(bytes);
      }),
      { numRuns: 50 },
    );
  });

  it('reads failures that the generated code writes, and writes the same bytes', () => {
    const failures = fc.record({
      id: fc.maxSafeNat(),
      status: fc.constantFrom(ForwardStatus.STATUS_SHARD_NOT_HOSTED, ForwardStatus.STATUS_FAILED, ForwardStatus.STATUS_DRAINING),
      message: fc.string({ unit: 'grapheme', maxLength: 100 }),
    });
    fc.assert(
      fc.property(failures, ({ id, status, message }) => {
        const written = Buffer.from(ForwardReply.encode(ForwardReply.fromPartial({ id, status, message })).finish());
        expect(parseForwardReply(written)).toMatchObject({ id, status, message });
        expect(encodeFailedReply(id, status, message)).toEqual(written);
      }),
    );
  });

  it('may have a status of a newer version', () => {
    const newer = Buffer.from(new BinaryWriter().tag(2, WireType.Varint).int32(99).finish());
    expect(parseForwardReply(newer)).toMatchObject({ status: ForwardStatus.UNRECOGNIZED });
  });

  it('carries the message of a failure, cut', () => {
    const reply = parseForwardReply(encodeFailedReply(7, ForwardStatus.STATUS_FAILED, 'x'.repeat(100_000)));
    expect(reply).toMatchObject({ id: 7, status: ForwardStatus.STATUS_FAILED, message: 'x'.repeat(1024) });
    const message = Buffer.from(ForwardReply.encode(ForwardReply.fromPartial({ id: 8, message: 'y'.repeat(1e6) })).finish());
    expect(parseForwardReply(message)).toMatchObject({ id: 8, message: 'y'.repeat(3072) });
  });
});
