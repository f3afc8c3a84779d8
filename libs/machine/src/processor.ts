/** What /proc/cpuinfo says of the processor. */
export interface Processor {
  model: string;
  /** Cores, without the second thread of each; null where it is not said. */
  physicalCores: number | null;
  instructionSets: InstructionSet[];
}

/** Instructions that matrix products are made of, and whether this processor has them. */
export interface InstructionSet {
  name: string;
  isPresent: boolean;
}

/** Name → the kernel's name of the flag. Source: Linux, arch/x86/include/asm/cpufeatures.h and arch/arm64/kernel/cpuinfo.c */
const X86: Readonly<Record<string, string>> = {
  AVX2: 'avx2',
  FMA: 'fma',
  F16C: 'f16c',
  'AVX-VNNI': 'avx_vnni',
  'AVX-512': 'avx512f',
  'AVX512-VNNI': 'avx512_vnni',
  'AVX512-BF16': 'avx512_bf16',
  'AMX-INT8': 'amx_int8',
  'AMX-BF16': 'amx_bf16',
};
const ARM: Readonly<Record<string, string>> = {
  NEON: 'asimd',
  FP16: 'asimdhp',
  DotProd: 'asimddp',
  I8MM: 'i8mm',
  BF16: 'bf16',
  SVE: 'sve',
  SME: 'sme',
};

/** Reads /proc/cpuinfo, of x86 or of arm. */
export function parseProcessor(cpuinfo: string): Processor {
  const value = (name: string): string | undefined => new RegExp(`^${name}\\s*:[ \\t]*(.*)$`, 'm').exec(cpuinfo)?.[1];
  const arm = value('Features');
  const flags = new Set((arm ?? value('flags') ?? '').split(' '));
  const sets = Object.entries(arm === undefined ? X86 : ARM).map(([name, flag]) => ({ name, isPresent: flags.has(flag) }));
  return { model: value('model name') ?? value('Model') ?? 'unknown', physicalCores: physicalCores(cpuinfo), instructionSets: sets };
}

/** Threads of the same core have the same package and core id. */
function physicalCores(cpuinfo: string): number | null {
  const cores = new Set<string>();
  for (const block of cpuinfo.split('\n\n')) {
    const core = /^core id\s*:\s*(\d+)/m.exec(block)?.[1];
    const socket = /^physical id\s*:\s*(\d+)/m.exec(block)?.[1];
    if (core !== undefined && socket !== undefined) cores.add(`${socket} ${core}`);
  }
  return cores.size === 0 ? null : cores.size;
}
