import { describe, expect, it } from 'vitest';
import { chooseShards, parseShards } from './shard-list.js';

describe('parseShards', () => {
  it.each([
    ['0', [0]],
    ['0-3,6', [0, 1, 2, 3, 6]],
    ['6, 2-2,0-2', [0, 1, 2, 6]],
  ])('reads %s', (text, shards) => {
    expect(parseShards('--shards', text)).toEqual(shards);
  });

  it.each(['', ',', '1,', 'a', '-1', '1-', '1-2-3', '2-1', '1.5', '1024', '0-99999'])('rejects %j', (text) => {
    expect(() => parseShards('--local-shards', text)).toThrow(/^--local-shards: /);
  });
});

it('chooseShards takes all shards where none are asked for, and only those that exist', () => {
  expect(chooseShards('--shards', undefined, 3)).toEqual([0, 1, 2]);
  expect(chooseShards('--shards', [2], 3)).toEqual([2]);
  expect(() => chooseShards('--shards', [1, 3], 3)).toThrow('--shards: there is no shard 3; this pack has shards 0 to 2');
});
