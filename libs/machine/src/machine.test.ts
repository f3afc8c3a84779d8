import { describe, expect, it } from 'vitest';
import { measureBandwidth } from './bandwidth.js';
import { readControlGroupLimits } from './control-group.js';
import { machineHints } from './hints.js';
import { parseHugePages } from './huge-pages.js';
import { type Machine, readMachine } from './machine.js';
import { parseMappedFiles, readMappedFiles } from './mapped-files.js';
import { parseSmapsRollup, readProcessMemory } from './process-memory.js';
import { parseProcessor } from './processor.js';

const X86 = (core: number, flags: string): string =>
  `processor\t: ${core}\nmodel name\t: AMD EPYC 7B13\nphysical id\t: 0\ncore id\t\t: ${core >> 1}\nflags\t\t: fpu ${flags}\n`;
const present = (cpuinfo: string): string[] =>
  parseProcessor(cpuinfo)
    .instructionSets.filter(({ isPresent }) => isPresent)
    .map(({ name }) => name);

describe('the processor', () => {
  it('of x86: cores without their second threads, and instruction sets by whole words', () => {
    const cpuinfo = [0, 1, 2, 3].map((core) => X86(core, 'fma avx2 avx512f avx512_vnni amx_tile amx_int8')).join('\n');
    expect(parseProcessor(cpuinfo)).toMatchObject({ model: 'AMD EPYC 7B13', physicalCores: 2 });
    expect(present(cpuinfo)).toEqual(['AVX2', 'FMA', 'AVX-512', 'AVX512-VNNI', 'AMX-INT8']);
    expect(present(X86(0, 'avx avx2_not avx_vnni'))).toEqual(['AVX-VNNI']);
  });

  it('of arm', () => {
    const cpuinfo = 'processor\t: 0\nBogoMIPS\t: 50.00\nFeatures\t: fp asimd asimdhp asimddp sve i8mm\nCPU part\t: 0xd0c\n';
    expect(parseProcessor(cpuinfo)).toMatchObject({ model: 'unknown', physicalCores: null });
    expect(present(cpuinfo)).toEqual(['NEON', 'FP16', 'DotProd', 'I8MM', 'SVE']);
  });

  it('that nothing is known of has no instruction sets', () => {
    expect(parseProcessor('')).toMatchObject({ model: 'unknown', physicalCores: null });
    expect(present('')).toEqual([]);
  });
});

it('huge pages: the choice in brackets', () => {
  expect(parseHugePages('always [madvise] never\n')).toBe('madvise');
  expect(parseHugePages('always madvise [never]')).toBe('never');
  expect(parseHugePages('')).toBeNull();
});

describe('limits of control groups', () => {
  const limits = (files: Record<string, string>) => readControlGroupLimits(async (path) => files[path] ?? null);

  it('are the tightest of version 2 from the group upward', async () => {
    const files = {
      '/proc/self/cgroup': '0::/pod/container\n',
      '/sys/fs/cgroup/pod/container/cpu.max': 'max 100000\n',
      '/sys/fs/cgroup/pod/cpu.max': '150000 100000\n',
      '/sys/fs/cgroup/pod/container/memory.max': '4294967296\n',
      '/sys/fs/cgroup/pod/memory.max': 'max\n',
    };
    expect(await limits(files)).toEqual({ cores: 1.5, memoryBytes: 4 * 2 ** 30 });
  });

  it('are found where version 1 mounts them, under the path or at the root', async () => {
    const files = {
      '/proc/self/cgroup': '4:memory:/docker/abc\n2:cpu,cpuacct:/docker/abc\n0::/\n',
      '/sys/fs/cgroup/memory/memory.limit_in_bytes': '1073741824',
      '/sys/fs/cgroup/cpu/docker/abc/cpu.cfs_quota_us': '50000',
      '/sys/fs/cgroup/cpu/docker/abc/cpu.cfs_period_us': '100000',
    };
    expect(await limits(files)).toEqual({ cores: 0.5, memoryBytes: 2 ** 30 });
  });

  it('are none where nothing limits', async () => {
    const files = { '/proc/self/cgroup': '4:memory:/\n', '/sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712' };
    expect(await limits(files)).toEqual({ cores: null, memoryBytes: null });
    expect(await limits({})).toEqual({ cores: null, memoryBytes: null });
  });
});

describe('hints', () => {
  const good: Machine = {
    processor: parseProcessor(X86(0, 'avx2 avx512_vnni')),
    cores: 8,
    memory: { totalBytes: 2 ** 35, availableBytes: 2 ** 34 },
    limits: { cores: null, memoryBytes: null },
    hugePages: 'madvise',
    glibc: '2.36',
  };

  it('are none for a good machine', () => expect(machineHints(good)).toEqual([]));

  it.each<[what: string, change: Partial<Machine>, hint: RegExp]>([
    ['huge pages are off', { hugePages: 'never' }, /echo madvise > \/sys/],
    ['the C library is old', { glibc: '2.31' }, /glibc 2\.31.*2\.35/],
    ['the C library is another one', { glibc: null }, /not glibc/],
    ['there is no VNNI', { processor: parseProcessor(X86(0, 'avx2')) }, /no VNNI/],
    ['there is no AVX2', { processor: parseProcessor(X86(0, 'sse2')) }, /no AVX2/],
    ['a container has fewer cores', { limits: { cores: 2.5, memoryBytes: null } }, /2\.5 of 8 cores.*--threads 2/],
    ['a container has less memory', { limits: { cores: null, memoryBytes: 2 ** 30 } }, /--kv-cache-memory/],
  ])('%s', (_, change, hint) => {
    expect(machineHints({ ...good, ...change })).toEqual([expect.stringMatching(hint)]);
  });
});

describe('memory of a process', () => {
  it('is read from its roll-up', () => {
    const fields = { Rss: 1760, Pss: 297, Shared_Clean: 1608, Shared_Dirty: 4, Private_Clean: 40, Private_Dirty: 108 };
    const lines = Object.entries(fields).map(([name, kilobytes]) => `${name}:${String(kilobytes).padStart(20)} kB`);
    const text = ['55-7f ---p 00000000 00:00 0   [rollup]', ...lines, ''].join('\n');
    expect(parseSmapsRollup(text)).toEqual({ rss: 1760 * 1024, pss: 297 * 1024, private: 148 * 1024, shared: 1612 * 1024 });
    expect(parseSmapsRollup('')).toBeNull();
  });

  it('of this one is more than nothing, of none is null', async () => {
    expect((await readProcessMemory(process.pid))!.rss).toBeGreaterThan(2 ** 20);
    expect(await readProcessMemory(2 ** 30)).toBeNull();
  });
});

describe('mapped files', () => {
  it('are paths, each once, with spaces or without', () => {
    const maps = [
      '55d0-55d1 r--p 00000000 fe:00 131 /usr/bin/node',
      '55d1-55d2 r-xp 00001000 fe:00 131 /usr/bin/node',
      '55d2-55d3 rw-p 00000000 00:00 0                          [heap]',
      '7f00-7f01 r--p 00000000 fe:00 999                        /packs/ring lite/shards/00/layer-000.bin',
      '7f01-7f02 rw-p 00000000 00:00 0 ',
    ].join('\n');
    expect(parseMappedFiles(maps)).toEqual(['/usr/bin/node', '/packs/ring lite/shards/00/layer-000.bin']);
  });

  it('of this process have its program among them', async () => {
    expect(await readMappedFiles(process.pid)).toContain(process.execPath);
    expect(await readMappedFiles(2 ** 30)).toBeNull();
  });
});

describe('this machine', () => {
  it('has a processor, cores and memory', async () => {
    const { cores, memory, processor } = await readMachine();
    expect(cores).toBeGreaterThan(0);
    expect(memory.availableBytes).toBeLessThanOrEqual(memory.totalBytes);
    expect(processor.instructionSets.length).toBeGreaterThan(0);
  });

  it('reads memory, until it is told not to', async () => {
    const stop = new AbortController();
    const measured = measureBandwidth(2, stop.signal);
    stop.abort(new Error('enough'));
    await expect(measured).rejects.toMatchObject({ name: 'AbortError' });
  });
});
