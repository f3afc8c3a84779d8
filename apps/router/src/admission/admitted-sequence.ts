import type { KeyAdmission } from './key-admission.js';
import type { WaitingQueue } from './waiting-queue.js';

/** What an admitted sequence counts in; of its key only where it came with one. */
export interface AdmissionCounts {
  queue: WaitingQueue;
  key: KeyAdmission | null;
  now: () => number;
}

/** A sequence from its admission to its end, counted where it waits and where it runs. */
export class AdmittedSequence {
  private isWaiting = true;
  private hasSlot = false;

  constructor(
    private readonly counts: AdmissionCounts,
    private readonly promptTokens: number,
  ) {
    const now = counts.now();
    for (const queue of this.queues) queue.enter(promptTokens, now);
  }

  /** Waits until its key may run one more. @throws `signal.reason` */
  async slot(signal: AbortSignal): Promise<void> {
    const { key } = this.counts;
    if (key === null) return;
    await key.slots.acquire(signal);
    this.hasSlot = true;
  }

  /** The engine computes it now. */
  started(): void {
    if (!this.isWaiting) return;
    this.isWaiting = false;
    const now = this.counts.now();
    for (const queue of this.queues) queue.leave(this.promptTokens, now);
  }

  /** A token was generated. */
  generated(): void {
    this.counts.key?.takeGenerated(this.counts.now());
  }

  /** However it ended. */
  ended(): void {
    this.started();
    if (this.hasSlot) this.counts.key?.slots.release();
    this.hasSlot = false;
  }

  private get queues(): WaitingQueue[] {
    const { queue, key } = this.counts;
    return key === null ? [queue] : [queue, key.queue];
  }
}
