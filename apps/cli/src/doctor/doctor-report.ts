import type { Machine } from '@ringmesh/machine';
import type { Quantization } from '@ringmesh/tensor';
import type { DecodeSpeed } from './decode-speed.js';
import type { ProcessFigures } from './process-figures.js';

/** Bytes a second read from memory. */
export interface Bandwidth {
  oneThread: number;
  threads: number;
  allThreads: number;
}

/** A machine and what it does well or not. */
export interface MachineReport {
  machine: Machine;
  bandwidth: Bandwidth;
  hints: string[];
}

/** A pack, served on that machine for a moment. */
export interface PackReport {
  name: string;
  quantization: Quantization;
  numShards: number;
  /** Of all files. */
  bytes: number;
  processes: ProcessFigures[];
  together: {
    /** From the start of the first process until a request could be answered. */
    readySeconds: number;
    /** Memory of all processes: shared pages count once where the kernel tells. Null where the system does not say. */
    memoryBytes: number | null;
  };
  speed: {
    /** Weights that one token alone reads. */
    bytesPerToken: number;
    /** Tokens a second that the memory allows at batch 1. */
    bound: number;
    measured: DecodeSpeed;
  };
  hints: string[];
}
