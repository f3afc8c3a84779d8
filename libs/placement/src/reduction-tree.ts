import { InvalidRequestError } from '@ringmesh/core';

/**
 * The order in which the partial sums of a token's shards are added up: that of a binary tree over the shards, whoever computed them. So a host
 * that has all shards below a node may add them up itself and send one sum instead of several, and the bits stay the same.
 *
 * Nodes are numbered as in a heap: the root is 1, the children of i are 2i and 2i + 1, and shard s is the leaf W + s of W leaves (the least power
 * of two that is not below S).
 */
export class ReductionTree {
  /** log2 W */
  private readonly height: number;

  constructor(private readonly numShards: number) {
    this.height = numShards === 1 ? 0 : 32 - Math.clz32(numShards - 1);
  }

  /** The first shard below a node. */
  firstShard(node: number): number {
    return (node << this.heightOf(node)) - (1 << this.height);
  }

  /** The shard after the last below a node; may be beyond S. */
  endShard(node: number): number {
    return this.firstShard(node) + (1 << this.heightOf(node));
  }

  /**
   * The fewest nodes below which all `wanted` shards lie and no other shard that has rows.
   * @param shards those with rows, ascending @param wanted [S], 1 for some of them @param nodes [≥ S], written from its start, ascending
   * @returns how many they are
   */
  cover(shards: Int32Array, wanted: Uint8Array, nodes: Int32Array): number {
    let numNodes = 0;
    const visit = (node: number, first: number, end: number): void => {
      let numWanted = 0;
      for (let index = first; index < end; index++) numWanted += wanted[shards[index]!]!;
      if (numWanted === 0) return;
      if (numWanted === end - first) {
        nodes[numNodes++] = node;
        return;
      }
      const right = this.firstShard(2 * node + 1);
      let middle = first;
      while (middle < end && shards[middle]! < right) middle++;
      visit(2 * node, first, middle);
      visit(2 * node + 1, middle, end);
    };
    visit(1, 0, shards.length);
    return numNodes;
  }

  /**
   * Checks nodes that came from elsewhere.
   * @param shards those with rows, ascending
   * @throws InvalidRequestError where they do not ascend, overlap, or leave a shard out
   */
  check(nodes: Int32Array, shards: Int32Array): void {
    let end = 0;
    let index = 0;
    for (const node of nodes) {
      if (node < 1 || node >= 2 << this.height) throw invalid(`has ${node}; the tree's are 1 to ${(2 << this.height) - 1}`);
      if (this.firstShard(node) < end) throw invalid('must ascend, and no shard may be below two of them');
      end = this.endShard(node);
      while (index < shards.length && shards[index]! >= this.firstShard(node) && shards[index]! < end) index++;
    }
    if (index < shards.length) throw invalid(`leave out shard ${shards[index]!}, which has rows (there are ${this.numShards})`);
  }

  /** Levels below a node. */
  private heightOf(node: number): number {
    return this.height - (31 - Math.clz32(node));
  }
}

function invalid(problem: string): InvalidRequestError {
  return new InvalidRequestError(`ExpertBatch.nodes ${problem}`, { field: 'nodes' });
}
