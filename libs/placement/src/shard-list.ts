import { InvalidOptionError } from '@ringmesh/core';

const MAX_SHARDS = 1024;

/**
 * Reads `0-3,6`.
 * @param option who gave it, for the error
 * @returns ascending, each once
 * @throws InvalidOptionError
 */
export function parseShards(option: string, text: string): number[] {
  const shards = new Set<number>();
  for (const part of text.split(',')) {
    const match = /^\s*(\d{1,4})(?:-(\d{1,4}))?\s*$/.exec(part);
    const first = Number(match?.[1]);
    const last = Number(match?.[2] ?? first);
    if (match === null || last < first || last >= MAX_SHARDS) {
      throw new InvalidOptionError(`${option}: ${JSON.stringify(text)} is not a list of shards, for example 0-3,6`, { field: option });
    }
    for (let shard = first; shard <= last; shard++) shards.add(shard);
  }
  return [...shards].sort((a, b) => a - b);
}

/**
 * The shards to host of a pack that is cut into `numShards`.
 * @param option who asked, for the error
 * @throws InvalidOptionError where one does not exist
 */
export function chooseShards(option: string, asked: number[] | undefined, numShards: number): number[] {
  const shards = asked ?? Array.from({ length: numShards }, (_, shard) => shard);
  const beyond = shards.find((shard) => shard >= numShards);
  if (beyond === undefined) return shards;
  throw new InvalidOptionError(`${option}: there is no shard ${beyond}; this pack has shards 0 to ${numShards - 1}`, { field: option });
}
