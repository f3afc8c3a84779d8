import { realpath } from 'node:fs/promises';
import { sep } from 'node:path';
import { type ProcessMemory, readMappedFiles, readProcessMemory } from '@ringmesh/machine';
import { PackLayout, type PackManifest } from '@ringmesh/weights';
import type { Member } from '../local-cluster.js';

/** What was measured of one process that serves a pack. */
export interface ProcessFigures extends Omit<Member, 'pid'> {
  /** Null where the system does not say. */
  memory: ProcessMemory | null;
  /** Bytes of the pack's files that this process needs. */
  ownBytes: number;
  /** Files of the pack that it maps; null where the system does not say. */
  mapped: { files: number; foreign: string[] } | null;
}

/** @throws nothing: what cannot be read is null */
export async function measureProcess({ pid, ...member }: Member, packDir: string, manifest: PackManifest): Promise<ProcessFigures> {
  const isOwn = ownFiles(member.name === 'router', member.shards);
  const ownBytes = manifest.files.filter(({ path }) => isOwn(path)).reduce((sum, { bytes }) => sum + bytes, 0);
  const root = (await realpath(packDir)) + sep; // maps name what links lead to
  const mapped = (await readMappedFiles(pid))?.filter((path) => path.startsWith(root)).map((path) => path.slice(root.length));
  return {
    ...member,
    memory: await readProcessMemory(pid),
    ownBytes,
    mapped: mapped === undefined ? null : { files: mapped.length, foreign: mapped.filter((path) => !isOwn(path)) },
  };
}

/** Which files of a pack, by their path inside, belong to a process. */
export function ownFiles(isRouter: boolean, shards: number[] | 'all'): (path: string) => boolean {
  const layout = new PackLayout('');
  const folders = shards === 'all' ? ['shards/'] : shards.map((shard) => `${layout.shard(shard)}/`);
  if (isRouter) folders.push(`${layout.router}/`, `${layout.tokenizer}/`);
  return (path) => folders.some((folder) => path.startsWith(folder));
}
