import { dirname, join } from 'node:path';
import type { ReadText } from './text-file.js';

/** What this process's control groups (those of a container, a pod, a service) let it have; null where they do not say. */
export interface ControlGroupLimits {
  /** Cores' worth of time. */
  cores: number | null;
  memoryBytes: number | null;
}

const ROOT = '/sys/fs/cgroup';
/** Version 1 writes a very large number where there is no limit. */
const UNLIMITED_BYTES = 2 ** 60;

/**
 * The tightest limits of this process's control group and those above it, of version 2 or 1.
 * Source: Linux, Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/
 */
export async function readControlGroupLimits(readText: ReadText): Promise<ControlGroupLimits> {
  const lines = ((await readText('/proc/self/cgroup')) ?? '').split('\n');
  const limits: ControlGroupLimits[] = [];
  for (const line of lines) {
    const [id, controllers, path] = line.split(':');
    if (path === undefined) continue;
    if (id === '0') limits.push(...(await upward(ROOT, path, (dir) => version2(dir, readText))));
    for (const controller of controllers!.split(',')) {
      if (controller !== 'cpu' && controller !== 'memory') continue;
      limits.push(...(await upward(join(ROOT, controller), path, (dir) => version1(dir, readText))));
    }
  }
  return { cores: least(limits.map(({ cores }) => cores)), memoryBytes: least(limits.map(({ memoryBytes }) => memoryBytes)) };
}

/** A group and those above it. Inside a container the path may be the host's, which is not there: the mount's own root is. */
async function upward(mount: string, path: string, read: (dir: string) => Promise<ControlGroupLimits>): Promise<ControlGroupLimits[]> {
  const limits: ControlGroupLimits[] = [];
  for (let group = join('/', path); ; group = dirname(group)) {
    limits.push(await read(join(mount, group)));
    if (group === '/') return limits;
  }
}

async function version2(dir: string, readText: ReadText): Promise<ControlGroupLimits> {
  const [quota, period] = ((await readText(join(dir, 'cpu.max'))) ?? 'max').split(' ').map(Number);
  return { cores: quotient(quota, period), memoryBytes: limited(await readText(join(dir, 'memory.max'))) };
}

async function version1(dir: string, readText: ReadText): Promise<ControlGroupLimits> {
  const quota = Number((await readText(join(dir, 'cpu.cfs_quota_us'))) ?? -1);
  const period = Number((await readText(join(dir, 'cpu.cfs_period_us'))) ?? 0);
  return { cores: quotient(quota, period), memoryBytes: limited(await readText(join(dir, 'memory.limit_in_bytes'))) };
}

function quotient(quota = NaN, period = NaN): number | null {
  return quota > 0 && period > 0 ? quota / period : null;
}

function limited(text: string | null): number | null {
  const bytes = Number(text ?? NaN);
  return bytes > 0 && bytes < UNLIMITED_BYTES ? bytes : null;
}

function least(values: (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : Math.min(...known);
}
