import { Doorbell, type ExpertBatch, ExpertChannel } from '@ringmesh/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BatchSplitter } from './batch-splitter.js';
import { PartialLayout } from './partial-layout.js';
import { ShardRule } from './shard-rule.js';

const HIDDEN_SIZE = 3;
const MAX_TOKENS = 6;

/** A batch as lists: `routes[expert]` are the rows of that expert; the hidden states and weights tell rows and experts apart. */
function makeBatch(numTokens: number, routes: number[][]): ExpertBatch {
  const experts = routes.flatMap((rows, expert) => (rows.length > 0 ? [expert] : []));
  return {
    layer: 2,
    epoch: 5,
    numTokens,
    hidden: Float32Array.from({ length: numTokens * HIDDEN_SIZE }, (_, index) => index),
    experts: Int32Array.from(experts),
    counts: Int32Array.from(experts, (expert) => routes[expert]!.length),
    rows: Int32Array.from(experts.flatMap((expert) => routes[expert]!)),
    weights: Float32Array.from(experts.flatMap((expert) => routes[expert]!.map((row) => expert + row / 8))),
    nodes: new Int32Array(),
  };
}

const cases = fc.integer({ min: 1, max: 9 }).chain((numExperts) =>
  fc.record({
    rule: fc.integer({ min: 1, max: numExperts }).map((numShards) => new ShardRule(numExperts, numShards)),
    batches: fc.array(
      fc.integer({ min: 1, max: MAX_TOKENS }).chain((numTokens) => {
        const rows = fc.subarray(Array.from({ length: numTokens }, (_, row) => row));
        return fc.array(rows, { minLength: numExperts, maxLength: numExperts }).map((routes) => ({ numTokens, routes }));
      }),
      { minLength: 1, maxLength: 3 },
    ),
  }),
);

const ascending = (values: Iterable<number>): number[] => [...new Set(values)].sort((a, b) => a - b);

describe('PartialLayout', () => {
  it('has, for each shard with rows, each of its rows once, ascending; the same object serves batch after batch', () => {
    fc.assert(
      fc.property(cases, ({ rule, batches }) => {
        const layout = new PartialLayout(rule, MAX_TOKENS, rule.numExperts);
        for (const { numTokens, routes } of batches) {
          const batch = makeBatch(numTokens, routes);
          layout.update(batch);
          const rowsOfShards = Array.from({ length: rule.numShards }, (_, shard) =>
            ascending(rule.expertsOf(shard).flatMap((expert) => routes[expert]!)),
          );
          const shards = rowsOfShards.flatMap((rows, shard) => (rows.length > 0 ? [shard] : []));
          expect([...layout.shards]).toEqual(shards);
          expect([...layout.rows]).toEqual(rowsOfShards.flat());
          expect(layout.numPartials).toBe(rowsOfShards.flat().length);
          shards.forEach((shard, index) => {
            const part = layout.rows.subarray(layout.shardStarts[index], layout.shardStarts[index + 1]);
            expect([...part]).toEqual(rowsOfShards[shard]);
          });
          expect(Array.from(layout.targets, (partial) => layout.rows[partial])).toEqual([...batch.rows]);
          for (let first = 0; first < rule.numShards; first++) {
            const expected = ascending(rowsOfShards.slice(first, first + 2).flat());
            expect([...layout.rowsOf(first, first + 2)]).toEqual(expected);
          }
        }
      }),
    );
  });
});

describe('BatchSplitter', () => {
  it('sends the experts of the wanted shards, and only the rows they need, in the same order', () => {
    fc.assert(
      fc.property(cases, fc.array(fc.integer({ min: 0, max: 1 }), { minLength: 9, maxLength: 9 }), ({ rule, batches }, bits) => {
        const { numExperts, numShards } = rule;
        const shape = { hiddenSize: HIDDEN_SIZE, maxTokens: MAX_TOKENS, numExperts, expertsPerToken: numExperts, numShards };
        const splitter = new BatchSplitter(rule, HIDDEN_SIZE, MAX_TOKENS);
        for (const { numTokens, routes } of batches) {
          const wanted = Uint8Array.from(bits.slice(0, numShards));
          const wantedRoutes = routes.map((rows, expert) => (wanted[rule.shardOf(expert)] === 1 ? rows : []));
          const rows = ascending(wantedRoutes.flat());
          const whole = makeBatch(numTokens, routes);
          const expected = makeBatch(numTokens, wantedRoutes);

          const channel = ExpertChannel.create(shape, new Doorbell(), new Doorbell());
          splitter.request(channel, whole, wanted, Int32Array.of(1));
          const part = channel.takeRequest()!;
          expect(part.numTokens).toBe(rows.length);
          expect(part.nodes).toEqual(Int32Array.of(1));
          expect([...part.hidden]).toEqual(rows.flatMap((row) => [...whole.hidden.subarray(row * HIDDEN_SIZE, (row + 1) * HIDDEN_SIZE)]));
          expect(Array.from(part.rows, (row) => rows[row])).toEqual([...expected.rows]);
          for (const key of ['layer', 'epoch', 'experts', 'counts', 'weights'] as const) expect(part[key]).toEqual(expected[key]);
        }
      }),
    );
  });
});
