import { table } from '@ringmesh/core';
import type { BenchResult } from './measurement.ts';
import type { EngineName } from './options.ts';
import { showSpread, type Spread, spreadOf } from './statistics.ts';

/** What one round measured. */
export interface Round {
  /** Bytes a second that 1, 2, … threads read. */
  bandwidth: number[];
  results: Partial<Record<EngineName, BenchResult>>;
}

export interface ReportOptions {
  engines: EngineName[];
  /** Names of all measures, in order. */
  measures: string[];
  numLayers: number;
  /** Bytes of weights that a token alone reads. */
  activeBytes: { llama: number; ringmesh: number };
}

const PEER = 'node-llama-cpp';
/** Parts of a step that happen once and not in every layer. */
const ONCE = ['schedule', 'embedding', 'head', 'sampling'];

/** Everything that the rounds say, for people. */
export function report(rounds: Round[], options: ReportOptions): string {
  const sections = [
    `tokens/s: median (min–max) of ${rounds.length} rounds; × = against ${PEER} in the same round`,
    speedTable(rounds, options),
    '',
    bandwidthLine(rounds),
    ...options.engines.map((engine) => engineLine(rounds, engine, options)),
  ];
  for (const engine of options.engines.filter((name) => name !== PEER)) {
    sections.push('', `${engine}: milliseconds of a layer's parts (a step's: ${ONCE.join(', ')})`, profileTable(rounds, engine, options));
  }
  return sections.join('\n');
}

function speedTable(rounds: Round[], { engines, measures }: ReportOptions): string {
  const ours = engines.filter((engine) => engine !== PEER);
  const hasPeer = ours.length < engines.length;
  const header = ['', ...engines.flatMap((engine) => (engine === PEER || !hasPeer ? [engine] : [engine, '×']))];
  const rows = measures.map((measure) => [
    measure,
    ...engines.flatMap((engine) => {
      const speed = showSpread(speedOf(rounds, engine, measure), 1);
      return engine === PEER || !hasPeer ? [speed] : [speed, showSpread(ratioOf(rounds, engine, measure), 2)];
    }),
  ]);
  return table([header, ...rows]);
}

function speedOf(rounds: Round[], engine: EngineName, measure: string): Spread {
  return spreadOf(rounds.flatMap(({ results }) => results[engine]!.tokensPerSecond[measure]!));
}

/** Of each round's medians. */
function ratioOf(rounds: Round[], engine: EngineName, measure: string): Spread {
  const median = ({ results }: Round, name: EngineName): number => spreadOf(results[name]!.tokensPerSecond[measure]!).median;
  return spreadOf(rounds.map((round) => median(round, engine) / median(round, PEER)));
}

function bandwidthLine(rounds: Round[]): string {
  const threads = rounds[0]!.bandwidth.map((_, index) => {
    const spread = spreadOf(rounds.map(({ bandwidth }) => bandwidth[index]! / 1e9));
    return `${index + 1} thread${index === 0 ? '' : 's'} ${showSpread(spread, 1)}`;
  });
  return `memory, GB/s read: ${threads.join(', ')}`;
}

function engineLine(rounds: Round[], engine: EngineName, { activeBytes, measures }: ReportOptions): string {
  const of = (read: (result: BenchResult) => number): Spread => spreadOf(rounds.map(({ results }) => read(results[engine]!)));
  const memory = `${(of(({ residentBytes }) => residentBytes).max / 1e9).toFixed(1)} GB resident`;
  const load = `loaded in ${of(({ loadSeconds }) => loadSeconds).median.toFixed(0)} s`;
  if (!measures.includes('decode 1')) return `${engine}: ${load}, ${memory}`;
  const bytes = engine === PEER ? activeBytes.llama : activeBytes.ringmesh;
  const share = spreadOf(
    rounds.map(({ bandwidth, results }) => (results[engine]!.tokensPerSecond['decode 1']![0]! * bytes * 100) / Math.max(...bandwidth)),
  );
  return `${engine}: ${load}, ${memory}; batch 1 reads ${(bytes / 1e9).toFixed(2)} GB a token, ${showSpread(share, 0)} % of the memory's speed`;
}

function profileTable(rounds: Round[], engine: EngineName, { measures, numLayers }: ReportOptions): string {
  const profileOf = (measure: string): Record<string, number>[] => rounds.map(({ results }) => results[engine]!.profile[measure]!);
  const parts = Object.keys(profileOf(measures[0]!)[0]!);
  const rows = parts.map((part) => [
    part,
    ...measures.map((measure) => {
      const { median } = spreadOf(profileOf(measure).map((profile) => profile[part]!));
      return (ONCE.includes(part) ? median : median / numLayers).toFixed(2);
    }),
  ]);
  return table([['', ...measures], ...rows]);
}
