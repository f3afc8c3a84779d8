import { formatBytes, table } from '@ringmesh/core';
import type { MachineReport, PackReport } from './doctor-report.js';
import type { ProcessFigures } from './process-figures.js';

/** What was measured of a machine, for people. */
export function machineText({ machine, bandwidth, hints }: MachineReport): string {
  const { processor, cores, memory, limits, hugePages, glibc } = machine;
  const names = (isPresent: boolean): string =>
    processor.instructionSets
      .filter((set) => set.isPresent === isPresent)
      .map(({ name }) => name)
      .join(', ') || 'none';
  const physical = processor.physicalCores === null ? '' : ` (${processor.physicalCores} physical)`;
  const limited = [
    limits.cores === null ? [] : `${limits.cores} cores`,
    limits.memoryBytes === null ? [] : `${formatBytes(limits.memoryBytes)} of memory`,
  ].flat();
  const speed = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB/s`;
  const all = bandwidth.threads === 1 ? '' : `, ${speed(bandwidth.allThreads)} by ${bandwidth.threads}`;
  return section('Machine', [
    ['processor', `${processor.model}, ${cores} cores${physical}`],
    ['instructions', `${names(true)}; missing: ${names(false)}`],
    ['memory', `${formatBytes(memory.totalBytes)}, of which ${formatBytes(memory.availableBytes)} are available`],
    ['read from memory', `${speed(bandwidth.oneThread)} by one thread${all}`],
    ['control groups', limited.length === 0 ? 'no limit' : `allow ${limited.join(', ')}`],
    ['huge pages', hugePages ?? 'unknown'],
    ['C library', glibc === null ? 'not glibc' : `glibc ${glibc}`],
    ...hintRows(hints),
  ]);
}

/** What was measured of a pack, for people. */
export function packText(report: PackReport): string {
  const { name, quantization, numShards, bytes, processes, together, speed, hints } = report;
  const { bound, measured, bytesPerToken } = speed;
  const share = (measured.tokensPerSecond / bound) * 100;
  const memory = together.memoryBytes;
  return [
    section(`Pack ${name}`, [['files', `${formatBytes(bytes)}, ${quantization.method}, ${numShards} shards`]]),
    '',
    table([
      ['process', 'shards', 'ready after', 'resident', '× the pack', 'private', 'its files', 'maps of the pack'],
      ...processes.map((process) => processRow(process, bytes)),
      ['together', '', seconds(together.readySeconds), ...sizeAndRatio(memory, bytes), '', formatBytes(bytes), ''],
    ]),
    '',
    section('Decode', [
      ['bound', `${tokens(bound)} at batch 1: what a token reads, ${formatBytes(bytesPerToken)}, at the memory's speed`],
      ['measured', `${tokens(measured.tokensPerSecond)} over ${measured.tokens} tokens, ${short(share)} % of the bound`],
      ['first token', `${(measured.firstTokenSeconds * 1000).toFixed(0)} ms after the request`],
      ...hintRows(hints),
    ]),
  ].join('\n');
}

function processRow({ name, shards, readySeconds, memory, ownBytes, mapped }: ProcessFigures, packBytes: number): string[] {
  const shardText = shards === 'all' ? 'all' : shards.join(',');
  const foreign = mapped === null || mapped.foreign.length === 0 ? '' : `, ${mapped.foreign.length} not its own`;
  const maps = mapped === null ? '?' : `${mapped.files} files${foreign}`;
  const own = memory?.private == null ? '?' : formatBytes(memory.private);
  return [
    name,
    shardText,
    readySeconds === null ? '?' : seconds(readySeconds),
    ...sizeAndRatio(memory?.rss ?? null, packBytes),
    own,
    formatBytes(ownBytes),
    maps,
  ];
}

function sizeAndRatio(bytes: number | null, packBytes: number): [string, string] {
  return bytes === null ? ['?', '?'] : [formatBytes(bytes), (bytes / packBytes).toFixed(2)];
}

function section(title: string, rows: [name: string, text: string][]): string {
  return [title, ...rows.map(([name, text]) => `  ${name.padEnd(16)}  ${text}`)].join('\n');
}

const hintRows = (hints: string[]): [string, string][] => hints.map((hint) => ['hint', hint]);
/** Three digits where there is a fraction at all: 3421, 38.2, 0.513 */
const short = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));
const seconds = (value: number): string => `${value.toFixed(2)} s`;
const tokens = (perSecond: number): string => `${short(perSecond)} tokens/s`;
