import type { RequestRecord } from '@ringmesh/cli';

/** The time between two texts of one stream. */
export interface Gap {
  startAt: number;
  ms: number;
}

export function gapsOf(streams: readonly RequestRecord[]): Gap[] {
  return streams.flatMap(({ chunksAt }) =>
    chunksAt.slice(1).map((endAt, index) => ({ startAt: chunksAt[index]!, ms: endAt - chunksAt[index]! })),
  );
}

/** The gaps that any of the requests is part of. */
export function within(gaps: readonly Gap[], requests: readonly RequestRecord[]): Gap[] {
  return gaps.filter(({ startAt, ms }) => requests.some(({ sentAt, endedAt }) => sentAt < startAt + ms && startAt < endedAt));
}
