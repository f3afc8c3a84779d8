import type { RequestRecord } from '@ringmesh/cli';
import { expect, it } from 'vitest';
import { gapsOf, within } from './gaps.ts';

const record = (sentAt: number, endedAt: number, chunksAt: number[]): RequestRecord => ({
  dueAt: sentAt,
  sentAt,
  endedAt,
  chunksAt,
  promptTokens: 1,
  outputTokens: chunksAt.length,
  error: null,
});

it('finds the gaps of streams that a prompt falls into, and no others', () => {
  const gaps = gapsOf([record(0, 50, [10, 20, 40, 50]), record(0, 60, [60]), record(0, 90, [30, 90])]);
  expect(gaps.map(({ ms }) => ms)).toEqual([10, 20, 10, 60]);
  expect(within(gaps, [record(22, 25, [])]).map(({ ms }) => ms)).toEqual([20]);
  expect(within(gaps, [record(0, 5, []), record(45, 47, [])]).map(({ ms }) => ms)).toEqual([10, 60]);
});
