import { EngineFailedError } from '@ringmesh/core';
import { instantiate, type KernelCalls } from '@ringmesh/kernels';
import { logitsKernel } from './logits-kernel.js';
import { type LogitsLayout, logitsLayout, NUM_STEPS } from './logits-layout.js';

/** What is beside the logits up to the end of their last word of bits: not more than any of them, and finite. */
const PADDING = -3.4028234663852886e38;

/**
 * A row of logits, in memory of WebAssembly: going through a whole vocabulary takes 10 to 100 µs there, several times less than in JavaScript,
 * and however the numbers are scattered.
 */
export class Logits {
  readonly values: Float32Array; // [V]
  private readonly bits: Uint32Array; // [V / 32]
  private readonly largest: Float32Array; // [4]
  private readonly taint: Float32Array; // [4]
  private readonly sums: Float64Array; // [2]
  private readonly gatheredBytes: Uint32Array; // [1]
  private readonly tokenIds: Int32Array; // [padded V]
  /** Of {@link fillBuckets}: how many tokens lie in each bucket, and their weights' sum. */
  readonly counts: Int32Array; // [NUM_STEPS + 1]
  readonly masses: Float64Array; // [NUM_STEPS + 1]
  private readonly kernel: KernelCalls;
  private readonly layout: LogitsLayout;

  constructor(vocabSize: number) {
    const layout = logitsLayout(vocabSize);
    this.layout = layout;
    const memory = new WebAssembly.Memory({ initial: layout.pages });
    const { buffer } = memory;
    const paddedSize = layout.rowBytes / 4;
    this.kernel = instantiate(logitsKernel(layout), { memory });
    new Float32Array(buffer, layout.row, paddedSize).fill(PADDING);
    this.values = new Float32Array(buffer, layout.row, vocabSize);
    this.bits = new Uint32Array(buffer, layout.bits, layout.bitsBytes / 4);
    this.largest = new Float32Array(buffer, layout.largest, 4);
    this.taint = new Float32Array(buffer, layout.taint, 4);
    this.sums = new Float64Array(buffer, layout.sums, 2);
    this.gatheredBytes = new Uint32Array(buffer, layout.gatheredBytes, 1);
    this.counts = new Int32Array(buffer, layout.counts, NUM_STEPS + 1);
    this.masses = new Float64Array(buffer, layout.masses, NUM_STEPS + 1);
    this.tokenIds = new Int32Array(buffer, layout.tokenIds, paddedSize);
  }

  /** @param logits [V] as the model gave them; @throws EngineFailedError where one is NaN or infinite */
  load(logits: Float32Array): void {
    this.values.set(logits);
    this.survey();
    if (this.areFinite) return;
    const bad = logits.findIndex((logit) => !Number.isFinite(logit));
    throw new EngineFailedError(`the model gave the logit ${logits[bad]} for token ${bad}: no token can be chosen from such logits`);
  }

  /** Takes another row's values, to change them; {@link survey} follows. */
  copy({ values }: Logits): void {
    this.values.set(values);
  }

  /** Leaves the tokens whose bits are set, and makes −∞ of all others. @param bits [V / 32] as `tokenBits` has them */
  keepOnly(bits: Uint32Array): void {
    this.bits.set(bits);
    if (this.values.length % 32 > 0) this.bits[this.bits.length - 1]! |= -1 << (this.values.length % 32); // the padding stays finite
    this.kernel['forbidOthers']!();
  }

  /** Looks through the values, for {@link max} and {@link areFinite}. */
  survey(): void {
    this.kernel['survey']!();
  }

  /** The largest logit. */
  get max(): number {
    return this.largest[0]!;
  }

  /** Whether every token is forbidden. */
  get isEmpty(): boolean {
    return this.max <= PADDING;
  }

  get areFinite(): boolean {
    return this.taint.every((value) => value === 0);
  }

  /** The lowest id among those of {@link max}. */
  argmax(): number {
    return this.values.indexOf(this.max);
  }

  /** log Σ exp(logit), to 1e-6: subtracted from a logit it gives the token's log probability. Only of a model's own logits. */
  logSumExp(): number {
    this.kernel['sumExponentials']!();
    return this.max + Math.log(this.sums[0]! + this.sums[1]!);
  }

  /** The tokens with logits from `low` to `high`, both as float32, ascending. @returns [n] valid until the next call */
  gather(low: number, high: number): Int32Array {
    this.kernel['gather']!(low, high);
    return this.tokenIds.subarray(0, this.gatheredBytes[0]! / 4);
  }

  /** Counts and weighs all tokens by bucket. The weight is exp(−nats), nats is how far a logit lies below the largest one, divided by the temperature. */
  fillBuckets(temperature: number): void {
    const { row, rowBytes } = this.layout;
    this.fill(row, rowBytes, temperature);
  }

  /** The same of the tokens that were gathered last. */
  fillBucketsFromGathered(temperature: number): void {
    const { logits } = this.layout;
    const numBytes = this.gatheredBytes[0]!;
    new Float32Array(this.values.buffer, logits + numBytes, 4).fill(PADDING); // up to the next vector
    this.fill(logits, numBytes, temperature);
  }

  private fill(address: number, numBytes: number, temperature: number): void {
    this.counts.fill(0);
    this.masses.fill(0);
    this.kernel['fillBuckets']!(address, address + numBytes, 1 / temperature);
  }
}
