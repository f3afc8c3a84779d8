import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { InvalidRequestError } from '@ringmesh/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ChannelShape } from './channel-layout.js';
import { encodeFailedReply, encodeForwardReply, ForwardStatus, parseForwardReply, readPartials } from './forward-reply.js';
import { ForwardRequestReader } from './forward-request-reader.js';
import { ForwardRequest, WireType } from './gen/ringmesh/expert/v1/expert.js';

/** Bytes from anywhere: whatever they are, they give one kind of error, which names the field, and no more memory than the shape says. */

const shape: ChannelShape = { hiddenSize: 3, maxTokens: 300, numExperts: 200, expertsPerToken: 4, numShards: 8 };

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
  nodes: [1],
  traceparent: '',
  hidden: new Uint8Array(2 * 3 * 4),
};

const reader = new ForwardRequestReader(shape);
const bytesOf = (change: Partial<ForwardRequest> = {}): Buffer => Buffer.from(ForwardRequest.encode({ ...valid, ...change }).finish());

function expectInvalid(read: () => unknown, field: string, problem: RegExp = /./, message = 'ForwardRequest'): void {
  expect(read).toThrow(InvalidRequestError);
  expect(read).toThrow(expect.objectContaining({ field, message: expect.stringMatching(`^${message}\\.${field} (must|is)`) as string }));
  expect(read).toThrow(problem);
}

/** @throws what is no InvalidRequestError that names a field @returns whether the bytes were read */
function isRead(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch (error) {
    if (!(error instanceof InvalidRequestError) || !error.message.includes(`.${error.field} `)) throw error;
    return false;
  }
}

describe('a ForwardRequest', () => {
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
    ['hidden', { hidden: new Uint8Array() }],
    ['hidden', { wireType: WireType.WIRE_TYPE_BF16 }],
    ['experts', { experts: [2 ** 31] }],
    ['rows', { rows: [2 ** 32 - 1] }],
  ])('with a bad %s: %j', (field, change) => {
    expect(isRead(() => reader.read(bytesOf()))).toBe(true);
    expectInvalid(() => reader.read(bytesOf(change)), field);
  });

  it('with lists as long as the shape allows is read, and with longer ones it is not', () => {
    const ones = (length: number): number[] => Array<number>(length).fill(1);
    const full = { experts: ones(200), counts: ones(200), rows: ones(1200), weights: ones(1200), nodes: ones(shape.numShards) };
    const change = { ...full, numTokens: 300, hidden: new Uint8Array(300 * 3 * 4) };
    expect(reader.read(bytesOf(change)).batch).toMatchObject({ experts: { length: 200 }, rows: { length: 1200 } });
    for (const [field, list] of Object.entries(full)) {
      expectInvalid(() => reader.read(bytesOf({ ...change, [field]: [...list, 1] })), field, /at most \d+ entries/);
    }
  });

  const endless = Buffer.alloc(11, 0xff);
  const field = (tag: number, ...bytes: (number | Buffer)[]): Buffer =>
    Buffer.concat([bytesOf(), Buffer.from([tag]), ...bytes.map((part) => (typeof part === 'number' ? Buffer.from([part]) : part))]);
  const huge = Buffer.from(new BinaryWriter().uint64(2n ** 60n).finish());

  it.each<[what: string, field: string, bytes: Buffer, problem: RegExp]>([
    ['a varint without an end', 'id', field(0x08, endless), /at most 10 bytes/],
    ['a tag without an end', 'tag', Buffer.concat([bytesOf(), endless]), /at most 10 bytes/],
    ['a tag beyond 32 bits', 'tag', Buffer.concat([bytesOf(), huge]), /at most 4294967295/],
    ['a tag of no field', 'tag', field(0x00, 1), /must name a field/],
    ['a varint that is cut short', 'layer', field(0x10, 0x80), /is cut short/],
    ['an id that is no safe integer', 'id', field(0x08, huge), /at most 9007199254740991/],
    ['a layer beyond 32 bits', 'layer', field(0x10, huge), /at most 4294967295/],
    ['a list that is longer than the message', 'experts', field(0x3a, huge), /is cut short: 0 of \d+ bytes/],
    ['a list entry that crosses its end', 'rows', field(0x4a, 1, 0x80, 0x01), /is cut short/],
    ['a list entry without an end', 'counts', field(0x42, 11, endless), /at most 10 bytes/],
    ['floats that are longer than the message', 'weights', field(0x52, 8, 0, 0, 0, 0), /is cut short: 4 of 8 bytes/],
    ['floats of a strange length', 'weights', field(0x52, 3, 0, 0, 0), /4 bytes a float/],
    ['one float that is cut short', 'weights', field(0x55, 0, 0), /is cut short: 2 of 4 bytes/],
    ['hidden states that are longer than the message', 'hidden', field(0x7a, huge), /is cut short/],
    ['an unknown field that is cut short', '100', field(0xa2, 0x06, 5, 0), /is cut short: 1 of 5 bytes/],
    ['an unknown field of a group', '100', field(0xa3, 0x06), /wire type 3/],
  ])('with %s', (_, name, bytes, problem) => {
    expectInvalid(() => reader.read(bytes), name, problem);
    expect(reader.id).toBe(1); // what can be answered under its id is
  });

  it('that ends anywhere but at its end', () => {
    const bytes = bytesOf({ id: 300, epoch: 300 });
    for (let length = 0; length < bytes.length; length++) expect(isRead(() => reader.read(bytes.subarray(0, length)))).toBe(false);
  });

  it('of random bytes, or with some bytes changed', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => !isRead(() => reader.read(bytes))),
      { numRuns: 500 },
    );
    const changes = fc.array(fc.record({ at: fc.nat(bytesOf().length - 1), to: fc.nat(255) }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(changes, (changed) => {
        const bytes = bytesOf();
        for (const { at, to } of changed) bytes[at] = to;
        if (!isRead(() => reader.read(bytes))) return;
        const { batch } = reader.read(bytes);
        expect(batch.hidden.length).toBe(batch.numTokens * shape.hiddenSize);
        expect(batch.numTokens).toBeLessThanOrEqual(shape.maxTokens);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('a ForwardReply', () => {
  const reply = (rows: number) => encodeForwardReply(300, [new Float32Array(rows * shape.hiddenSize)], 'f32');

  it('with partial sums that do not fit', () => {
    const target = new Float32Array(2 * shape.hiddenSize);
    const read = (bytes: Buffer, change = {}) => readPartials({ ...parseForwardReply(bytes), ...change }, shape.hiddenSize, target);
    expect(read(reply(2))).toBe(2);
    expectInvalid(() => read(reply(3)), 'partials', /at most 2 rows/, 'ForwardReply');
    expectInvalid(() => read(reply(2), { partials: new Uint8Array(13) }), 'partials', /got 13 bytes/, 'ForwardReply');
    for (const wireType of [0, 4, 2 ** 60]) expectInvalid(() => read(reply(2), { wireType }), 'wire_type', /must be F32/, 'ForwardReply');
  });

  it.each<[what: string, field: string, bytes: number[]]>([
    ['partial sums that are longer than the message', 'partials', [0x7a, 0xff, 0x01]],
    ['a message that is longer than the message', 'message', [0x1a, 0x05, 0x41]],
    ['a varint without an end', 'id', [0x08, ...Buffer.alloc(11, 0xff)]],
    ['a status that is cut short', 'status', [0x10, 0x80]],
  ])('with %s', (_, field, bytes) => {
    expectInvalid(() => parseForwardReply(Buffer.from(bytes)), field, /./, 'ForwardReply');
  });

  it('of random bytes, or with some bytes changed', () => {
    const messages = [reply(2), encodeFailedReply(7, ForwardStatus.STATUS_FAILED, 'because')];
    const changes = fc.array(fc.record({ at: fc.nat(200), to: fc.nat(255) }), { maxLength: 5 });
    const target = new Float32Array(4 * shape.hiddenSize);
    const read = (bytes: Uint8Array) => isRead(() => readPartials(parseForwardReply(bytes), shape.hiddenSize, target));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.constantFrom(...messages), changes, (random, message, changed) => {
        const bytes = Buffer.from(message);
        for (const { at, to } of changed) bytes[at % bytes.length] = to;
        for (const each of [random, bytes]) read(each);
      }),
      { numRuns: 1000 },
    );
  });
});
