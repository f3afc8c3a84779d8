import { formatBytes, table } from '@ringmesh/core';
import type { SoakClientsResult } from './clients.ts';
import { between, growthOf, medianBytes, type Sample } from './samples.ts';

/** What memory may grow by from the second third of the time to the last. */
const MAX_GROWTH = 1.05;
const NUM_PARTS = 10;

export interface SoakOutcome {
  clients: SoakClientsResult;
  /** Processes of clients that were killed while they streamed. */
  killed: number;
  samples: Sample[];
  /** When everyone had gone. */
  atEnd: Sample;
  preemptions: number;
}

/** Prints what a soak found. @returns whether everything held */
export function report({ clients, killed, samples, atEnd, preemptions }: SoakOutcome): boolean {
  console.log(table([['until', 'resident, median', 'KV memory, most', 'running, most', 'waiting, most'], ...rowsOf(samples)]));
  const { completed, aborted, tokens, wrong, errors } = clients;
  const growth = growthOf(samples);
  const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
  const rate = (tokens / samples.at(-1)!.seconds).toFixed(0);
  console.log(`\n${completed} streams were whole, ${aborted} left by their client; ${killed} processes of clients were killed`);
  console.log(`${tokens} tokens, ${rate} a second; ${preemptions} preemptions`);
  for (const error of [...new Set(errors)].slice(0, 5)) console.error(`failed: ${error}`);
  for (const each of wrong.slice(0, 5)) console.error(`wrong: ${each}`);
  const checks: [string, boolean][] = [
    [`${errors.length} streams failed`, errors.length === 0],
    [`${wrong.length} streams were wrong`, wrong.length === 0],
    [
      `memory grew by ${percent(growth - 1)} from the second third to the last, and may by ${percent(MAX_GROWTH - 1)}`,
      growth <= MAX_GROWTH,
    ],
    [
      `at the end ${percent(atEnd.kvCacheUsage)} of the KV memory is in use, ${atEnd.running} requests run, ${atEnd.waiting} wait`,
      atEnd.kvCacheUsage === 0 && atEnd.running === 0 && atEnd.waiting === 0,
    ],
  ];
  for (const [what, holds] of checks) console.log(`${holds ? 'ok    ' : 'MISSED'} ${what}`);
  return checks.every(([, holds]) => holds);
}

function rowsOf(samples: Sample[]): string[][] {
  return Array.from({ length: NUM_PARTS }, (_, part) => {
    const those = between(samples, part / NUM_PARTS, (part + 1) / NUM_PARTS);
    const most = (valueOf: (sample: Sample) => number): number => Math.max(...those.map(valueOf));
    return [
      `${((samples.at(-1)!.seconds * (part + 1)) / NUM_PARTS).toFixed(0)} s`,
      formatBytes(medianBytes(those)),
      `${(most(({ kvCacheUsage }) => kvCacheUsage) * 100).toFixed(0)} %`,
      String(most(({ running }) => running)),
      String(most(({ waiting }) => waiting)),
    ];
  });
}
