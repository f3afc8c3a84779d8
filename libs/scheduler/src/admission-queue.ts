import { FairQueue, type Queued } from './fair-queue.js';

/** The sequences of one priority. */
interface PriorityClass<S extends Queued> {
  readonly priority: number;
  /** In the order of their admission: each was admitted before, and comes before whoever was not. */
  readonly preempted: S[];
  readonly fresh: FairQueue<S>;
  /** Sequences that wait or run. */
  numLive: number;
}

/**
 * Who is admitted next: the most urgent; of these, who was preempted; then whose tenant was served least. A class is forgotten, with what its
 * tenants were served, when nothing of it waits or runs any more: what comes then finds nobody who had waited.
 */
export class AdmissionQueue<S extends Queued & { readonly priority: number }> {
  /** The most urgent first. */
  private readonly classes: PriorityClass<S>[] = [];

  add(sequence: S): void {
    const { priority } = sequence;
    let index = this.classes.findIndex((other) => other.priority >= priority);
    if (index < 0) index = this.classes.length;
    if (this.classes[index]?.priority !== priority) {
      this.classes.splice(index, 0, { priority, preempted: [], fresh: new FairQueue(), numLive: 0 });
    }
    const own = this.classes[index]!;
    own.fresh.push(sequence);
    own.numLive++;
  }

  /** Of a class the youngest is preempted first, so the next one comes before those that were preempted already. */
  putBack(sequence: S): void {
    this.classOf(sequence).preempted.unshift(sequence);
  }

  peek(): S | undefined {
    for (const { preempted, fresh } of this.classes) {
      const next = preempted[0] ?? fresh.peek();
      if (next !== undefined) return next;
    }
    return undefined;
  }

  /** Takes out what {@link peek} gives. */
  shift(): void {
    const next = this.peek();
    if (next === undefined) return;
    const { preempted, fresh } = this.classOf(next);
    if (preempted.length > 0) preempted.shift();
    else fresh.shift();
  }

  /** Counts tokens that a sequence was served. */
  charge(sequence: S, numTokens: number): void {
    this.classOf(sequence).fresh.charge(sequence, numTokens);
  }

  /** A sequence has ended, wherever it was. */
  remove(sequence: S): void {
    const own = this.classOf(sequence);
    const index = own.preempted.indexOf(sequence);
    if (index >= 0) own.preempted.splice(index, 1);
    else own.fresh.remove(sequence);
    if (--own.numLive === 0) this.classes.splice(this.classes.indexOf(own), 1);
  }

  private classOf({ priority }: S): PriorityClass<S> {
    return this.classes.find((own) => own.priority === priority)!;
  }
}
