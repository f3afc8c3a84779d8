import { InvalidRequestError } from '@ringmesh/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ReductionTree } from './reduction-tree.js';
import { TreeSum } from './tree-sum.js';

/** For each shard the host that has its rows, −1 where it has none. */
const placements = fc.array(fc.integer({ min: -1, max: 3 }), { minLength: 1, maxLength: 11 });

const indicesOf = (values: number[], isWanted: (value: number) => boolean): number[] =>
  values.flatMap((value, index) => (isWanted(value) ? [index] : []));

/** The nodes that `host` is asked for. */
function coverOf(tree: ReductionTree, hostOfShard: number[], host: number): Int32Array {
  const nodes = new Int32Array(hostOfShard.length);
  const wanted = Uint8Array.from(hostOfShard, (each) => Number(each === host));
  return nodes.subarray(0, tree.cover(Int32Array.from(indicesOf(hostOfShard, (each) => each >= 0)), wanted, nodes));
}

describe('ReductionTree', () => {
  it('numbers its nodes as a heap', () => {
    const tree = new ReductionTree(6); // 8 leaves
    const ranges = [1, 2, 3, 5, 8, 13].map((node) => [tree.firstShard(node), tree.endShard(node)]);
    expect(ranges).toEqual([
      [0, 8],
      [0, 4],
      [4, 8],
      [2, 4],
      [0, 1],
      [5, 6],
    ]);
    expect(new ReductionTree(1).endShard(1)).toBe(1);
  });

  it('covers a host’s shards with the fewest nodes that hold no row of another', () => {
    const tree = new ReductionTree(8);
    const placement = [0, -1, 0, 0, 1, 0, 1, -1];
    expect([...coverOf(tree, placement, 0)]).toEqual([2, 13]);
    expect([...coverOf(tree, placement, 1)]).toEqual([12, 7]);
    expect([...coverOf(tree, [0, -1, -1, -1, -1, -1, 0, 0], 0)]).toEqual([1]);
    expect([...coverOf(tree, placement, 3)]).toEqual([]);
  });

  it('takes what it made itself, and refuses what leaves a shard out, overlaps, descends or is no node', () => {
    fc.assert(
      fc.property(placements, (hostOfShard) => {
        const tree = new ReductionTree(hostOfShard.length);
        for (const host of [0, 1, 2, 3]) {
          const shards = Int32Array.from(indicesOf(hostOfShard, (each) => each === host));
          const nodes = coverOf(tree, hostOfShard, host);
          tree.check(nodes, shards);
          if (shards.length > 0) expect(() => tree.check(nodes.subarray(1), shards)).toThrow(/leave out shard/);
        }
      }),
    );
    const tree = new ReductionTree(8);
    const shards = Int32Array.of(0, 5);
    for (const nodes of [[3], [2, 2], [3, 2], [1, 3], [0], [16], [-1], [2, 12]]) {
      expect(() => tree.check(Int32Array.from(nodes), shards), String(nodes)).toThrow(InvalidRequestError);
    }
    tree.check(Int32Array.of(2, 13), shards);
  });
});

describe('TreeSum', () => {
  const H = 2;
  /** Numbers whose sum depends on the order in which they are added. */
  const value = fc.float({ noNaN: true, min: -1e6, max: 1e6 });
  const cases = placements.chain((hostOfShard) =>
    fc.record({
      hostOfShard: fc.constant(hostOfShard),
      /** By shard and row, two numbers; undefined where the shard has no such row. */
      sums: fc.array(fc.array(fc.option(fc.tuple(value, value), { nil: undefined }), { minLength: 3, maxLength: 3 }), {
        minLength: hostOfShard.length,
        maxLength: hostOfShard.length,
      }),
    }),
  );

  type Sums = ([number, number] | undefined)[][]; // [shards or nodes][rows]

  function addUp(sums: Sums, shards: number[]): [number, number][] {
    const treeSum = new TreeSum(H);
    for (const [index, rowsOf] of sums.entries()) {
      const rows = Int32Array.from(rowsOf.flatMap((pair, row) => (pair === undefined ? [] : [row])));
      treeSum.add(shards[index]!, rows, Float32Array.from(rowsOf.flatMap((pair) => pair ?? [])), 0);
    }
    const result: [number, number][] = [];
    treeSum.forEachRow(3, (row, partials, start) => (result[row] = [partials[start]!, partials[start + 1]!]));
    return result;
  }

  /** The sum below a node, by its definition. */
  function below(tree: ReductionTree, node: number, sums: Sums, row: number): [number, number] | undefined {
    if (tree.endShard(node) - tree.firstShard(node) === 1) return sums[tree.firstShard(node)]?.[row];
    const [left, right] = [below(tree, 2 * node, sums, row), below(tree, 2 * node + 1, sums, row)];
    if (left === undefined || right === undefined) return left ?? right;
    return [Math.fround(left[0] + right[0]), Math.fround(left[1] + right[1])];
  }

  it('adds in the order of the tree, and gives the same bits where hosts have added up their nodes before', () => {
    fc.assert(
      fc.property(cases, ({ hostOfShard, sums }) => {
        const tree = new ReductionTree(hostOfShard.length);
        const placed = sums.map((rows, shard) => (hostOfShard[shard] === -1 ? rows.map(() => undefined) : rows));
        const shards = hostOfShard.map((_, shard) => shard);
        const expected = [0, 1, 2].map((row) => below(tree, 1, placed, row));
        const direct = addUp(placed, shards);
        expect([0, 1, 2].map((row) => direct[row])).toEqual(expected);

        const nodes = [0, 1, 2, 3]
          .flatMap((host) => [...coverOf(tree, hostOfShard, host)])
          .sort((a, b) => tree.firstShard(a) - tree.firstShard(b));
        const joined = nodes.map((node) => [0, 1, 2].map((row) => below(tree, node, placed, row)));
        const ofNodes = addUp(
          joined,
          nodes.map((node) => tree.firstShard(node)),
        );
        expect([0, 1, 2].map((row) => ofNodes[row])).toEqual(expected);
      }),
    );
  });
});
