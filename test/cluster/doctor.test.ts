import { cp, mkdtemp, rm } from 'node:fs/promises';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packedModel, RingmeshProcess, SAMPLE_MODEL, until } from '@ringmesh/testing';
import { afterEach, describe, expect, it } from 'vitest';

/** `ringmesh doctor` as a user runs it, on the sample's pack. */

let doctor: RingmeshProcess | undefined;

afterEach(async () => {
  await doctor?.kill('SIGKILL');
  doctor = undefined;
});

function start(...args: string[]): RingmeshProcess {
  return (doctor = new RingmeshProcess(['doctor', ...args]));
}

/** The parts of its figures that are looked at here. */
interface Figures {
  machine: { cores: number };
  bandwidth: { oneThread: number; allThreads: number };
  pack: {
    bytes: number;
    processes: {
      name: string;
      shards: number[] | 'all';
      readySeconds: number;
      memory: { rss: number; private: number };
      ownBytes: number;
      mapped: { files: number; foreign: string[] };
    }[];
    together: { readySeconds: number; memoryBytes: number };
    speed: { bytesPerToken: number; bound: number; measured: { tokens: number; tokensPerSecond: number } };
  };
}

/** Ids of processes that serve a pack, by their command lines. */
function servers(packDir: string): string[] {
  const lines = execFileSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' }).split('\n');
  return lines.filter((line) => line.includes(` --pack ${packDir} `));
}

describe('ringmesh doctor', () => {
  it('measures a router and two workers, of which each maps its own shards only', async () => {
    const pack = await packedModel(SAMPLE_MODEL, 'q4');
    expect(await start(pack, '--workers', '2', '--json').ended).toBe(0);
    const { output } = doctor!;
    const figures = JSON.parse(output.slice(output.indexOf('\n{\n') + 1)) as Figures;
    expect(figures.machine.cores).toBeGreaterThan(0);
    expect(figures.bandwidth.oneThread).toBeGreaterThan(1e8);
    const { bytes, processes, together, speed } = figures.pack;
    expect(processes.map(({ name, shards }) => [name, shards])).toEqual([
      ['router', []],
      ['worker 0', [0, 1, 2, 3]],
      ['worker 1', [4, 5, 6, 7]],
    ]);
    for (const { ownBytes, mapped, memory, readySeconds } of processes) {
      expect(mapped.files).toBeGreaterThan(0);
      expect(mapped.foreign).toEqual([]);
      expect(ownBytes).toBeLessThan(bytes / 2);
      expect(memory.private).toBeLessThan(memory.rss);
      expect(readySeconds).toBeGreaterThan(0);
      expect(readySeconds).toBeLessThanOrEqual(together.readySeconds);
    }
    const largest = Math.max(...processes.map(({ memory }) => memory.rss));
    expect(together.memoryBytes).toBeGreaterThan(largest);
    expect(speed.bound).toBeCloseTo(Math.max(figures.bandwidth.oneThread, figures.bandwidth.allThreads) / speed.bytesPerToken);
    expect(speed.measured).toMatchObject({ tokens: 49 });
    expect(speed.measured.tokensPerSecond).toBeLessThan(speed.bound);
    expect(servers(pack)).toEqual([]);
  });

  it('says it in words, and takes its processes along on Ctrl-C', async () => {
    const pack = await packedModel(SAMPLE_MODEL);
    start(pack);
    await doctor!.line(/read from memory +[\d.]+ GB\/s by one thread/);
    await until(
      async () => servers(pack),
      (lines) => lines.length > 0,
    );
    expect(await doctor!.kill('SIGINT')).toBe(130);
    expect(servers(pack)).toEqual([]);
    expect(doctor!.output).not.toMatch(/error|^\s+at /m);
  });

  it('refuses what it cannot measure', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ringmesh-doctor-'));
    try {
      expect(await start('--workers', '2').ended).toBe(2);
      expect(doctor!.output).toContain('error [invalid_option]: --workers: name the pack');
      expect(await start(folder, '--workers', 'two').ended).toBe(2);
      expect(await start(folder).ended).toBe(1);
      expect(doctor!.output).toContain('error [pack_invalid]');
      await cp(await packedModel(SAMPLE_MODEL), folder, { recursive: true });
      await rm(join(folder, 'shards/03'), { recursive: true });
      expect(await start(folder).ended).toBe(1);
      expect(doctor!.output).toMatch(/error \[pack_invalid\]: .*shards\/03/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
