import { InvalidRequestError } from '@ringmesh/core';
import type { DType } from '@ringmesh/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ChannelShape } from './channel-layout.js';
import type { ExpertBatch } from './expert-batch.js';
import { encodeFailedReply, encodeForwardReply, ForwardStatus, parseForwardReply, readPartials } from './forward-reply.js';
import { encodeForwardRequest, parseForwardRequest, readForwardRequest } from './forward-request.js';
import { ForwardReply, ForwardRequest, WireType } from './gen/ringmesh/expert/v1/expert.js';
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
    });
  });
const headers = fc.record({ id: fc.maxSafeNat(), timeoutMs: fc.integer({ min: 1, max: 600_000 }), dtype: dtypes });

/** The same bytes, starting at an odd address where the socket's buffer may put them. */
function misaligned(bytes: Uint8Array): Buffer {
  const buffer = Buffer.alloc(bytes.length + 1).subarray(1);
  buffer.set(bytes);
  return buffer;
}

describe('ForwardRequest', () => {
  it('comes back as it was sent', () => {
    fc.assert(
      fc.property(batches, headers, (batch, header) => {
        const bytes = encodeForwardRequest(batch, header);
        expect(bytes.length).toBeLessThanOrEqual(maxRequestBytes(shape));
        expect(readForwardRequest(parseForwardRequest(misaligned(bytes)), shape)).toEqual({ ...header, batch });
      }),
      { numRuns: 50 },
    );
  });

  it('is what the generated code writes and reads', () => {
    fc.assert(
      fc.property(batches, headers, (batch, header) => {
        const bytes = encodeForwardRequest(batch, header);
        expect(Buffer.from(ForwardRequest.encode(ForwardRequest.decode(bytes)).finish())).toEqual(bytes);
      }),
      { numRuns: 50 },
    );
  });

  it('may have its fields in any order, unpacked and with others of a newer version', () => {
    const hidden = Buffer.from(Float32Array.of(1, 2, 3).buffer);
    const message = Buffer.concat([
      Buffer.from([0x7a, hidden.length]), // hidden
      hidden,
      Buffer.from([0xa0, 0x06, 0x01]), // field 100, unknown
      Buffer.from([0x55, ...Buffer.from(Float32Array.of(0.5).buffer)]), // weights, unpacked
      Buffer.from([0x48, 0x00, 0x40, 0x01, 0x38, 0x07]), // rows, counts, experts, unpacked
      Buffer.from([0x30, 0x01, 0x28, 0x01, 0x20, 0x64, 0x10, 0x02]), // num_tokens, wire_type, timeout_ms, layer
      Buffer.from([0x08, 0x2a]), // id
    ]);
    expect(readForwardRequest(parseForwardRequest(message), shape)).toMatchObject({
      id: 42,
      timeoutMs: 100,
      dtype: 'f32',
      batch: {
        layer: 2,
        numTokens: 1,
        experts: Int32Array.of(7),
        counts: Int32Array.of(1),
        rows: Int32Array.of(0),
        weights: Float32Array.of(0.5),
      },
    });
  });

  const valid: ForwardRequest = {
    id: 1,
    layer: 1,
    epoch: 0,
    timeoutMs: 1000,
    wireType: WireType.WIRE_TYPE_F32,
    numTokens: 2,
    experts: [3, 9],
    counts: [2, 1],
    rows: [0, 1, 1],
    weights: [0.5, 0.5, 0.5],
    hidden: new Uint8Array(2 * 3 * 4),
  };

  it.each<[field: string, change: Partial<ForwardRequest>]>([
    ['wire_type', { wireType: WireType.WIRE_TYPE_UNSPECIFIED }],
    ['wire_type', { wireType: WireType.UNRECOGNIZED }],
    ['timeout_ms', { timeoutMs: 0 }],
    ['timeout_ms', { timeoutMs: 600_001 }],
    ['epoch', { epoch: 2 ** 52 }],
    ['epoch', { epoch: 2 ** 31 }],
    ['num_tokens', { numTokens: 0 }],
    ['num_tokens', { numTokens: 301 }],
    ['num_tokens', { numTokens: 0xffff_ffff }],
    ['hidden', { hidden: new Uint8Array(2 * 3 * 4 - 1) }],
    ['hidden', { wireType: WireType.WIRE_TYPE_BF16 }],
  ])('rejects a bad %s: %j', (field, change) => {
    expect(() => readForwardRequest(valid, shape)).not.toThrow();
    expect(() => readForwardRequest({ ...valid, ...change }, shape)).toThrow(
      expect.objectContaining({
        name: 'InvalidRequestError',
        field,
        message: expect.stringMatching(`^ForwardRequest.${field} must`) as string,
      }),
    );
  });

  it('rejects bytes that are none, whatever they are, with one kind of error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          readForwardRequest(parseForwardRequest(Buffer.from(bytes)), shape);
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidRequestError);
          return;
        }
        expect.unreachable('random bytes were accepted');
      }),
      { numRuns: 500 },
    );
  });
});

describe('ForwardReply', () => {
  it('comes back as it was sent, and is what the generated code writes and reads', () => {
    const blocks = fc.array(
      fc.nat(20).chain((rows) => floats(rows * shape.hiddenSize)),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(fc.maxSafeNat(), blocks, dtypes, (id, partials, dtype) => {
        const bytes = encodeForwardReply(id, partials, dtype);
        expect(bytes.length).toBeLessThanOrEqual(maxReplyBytes(shape));
        const reply = parseForwardReply(misaligned(bytes));
        const expected = partials.flatMap((block) => [...block]);
        const target = new Float32Array(shape.maxTokens * shape.hiddenSize);
        expect(reply).toMatchObject({ id, status: ForwardStatus.STATUS_OK, message: '' });
        expect(readPartials(reply, shape.hiddenSize, target)).toBe(expected.length / shape.hiddenSize);
        expect([...target.subarray(0, expected.length)]).toEqual(expected);
        if (expected.length > 0) expect(Buffer.from(ForwardReply.encode(ForwardReply.decode(bytes)).finish())).toEqual(bytes);
      }),
      { numRuns: 50 },
    );
  });

  it('carries a failure, its message cut', () => {
    const reply = parseForwardReply(encodeFailedReply(7, ForwardStatus.STATUS_FAILED, 'x'.repeat(100_000)));
    expect(reply).toMatchObject({ id: 7, status: ForwardStatus.STATUS_FAILED, message: 'x'.repeat(1024) });
  });

  it('does not write partial sums that do not fit', () => {
    const target = new Float32Array(2 * shape.hiddenSize);
    const reply = (rows: number) => parseForwardReply(encodeForwardReply(1, [new Float32Array(rows * shape.hiddenSize)], 'f32'));
    expect(readPartials(reply(2), shape.hiddenSize, target)).toBe(2);
    expect(() => readPartials(reply(3), shape.hiddenSize, target)).toThrow('ForwardReply.partials must be at most 2 rows');
    expect(() => readPartials({ ...reply(2), partials: new Uint8Array(13) }, shape.hiddenSize, target)).toThrow('got 13 bytes');
    expect(() => readPartials({ ...reply(2), wireType: WireType.WIRE_TYPE_UNSPECIFIED }, shape.hiddenSize, target)).toThrow(
      'ForwardReply.wire_type',
    );
    expect(() => parseForwardReply(Buffer.from([0x7a, 0xff, 0x01]))).toThrow(InvalidRequestError);
  });
});
