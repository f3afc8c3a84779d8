import type { RingmeshError } from '@ringmesh/core';
import { describeWorker, type WorkerStatus } from '@ringmesh/dispatch';
import { missingShards } from '@ringmesh/placement';
import type { Readiness } from './generation.js';

interface Waiter {
  resolve: () => void;
  reject: (error: RingmeshError) => void;
}

/** Gathers what has to be there before requests can be answered: the router's part of the model, and every shard somewhere. */
export class ReadinessTracker {
  private model = 'starting';
  private isLoaded = false;
  private workers: WorkerStatus[] = [];
  private remarks: string[] = [];
  private ended: RingmeshError | null = null;
  private waiters: Waiter[] = [];

  constructor(private readonly numShards: number) {}

  get isModelLoaded(): boolean {
    return this.isLoaded;
  }

  modelLoading(layersOpen: number, layersTotal: number): void {
    this.model = `loading, ${layersOpen} of ${layersTotal} layers open`;
  }

  modelLoaded(): void {
    this.model = 'loaded';
    this.isLoaded = true;
    this.settle();
  }

  workersChanged(workers: WorkerStatus[]): void {
    this.workers = workers;
    this.settle();
  }

  /** Replaces the lines that {@link read} ends with. */
  remark(remarks: string[]): void {
    this.remarks = remarks;
  }

  /** Nothing will be ready any more. */
  end(error: RingmeshError): void {
    this.ended ??= error;
    for (const { reject } of this.waiters.splice(0)) reject(this.ended);
  }

  read(): Readiness {
    const missing = missingShardsOf(this.workers, this.numShards);
    const model = this.ended === null ? this.model : this.ended.message;
    return {
      ready: this.isLoaded && missing.length === 0 && this.ended === null,
      missingShards: missing,
      details: [`model: ${model}`, ...this.workers.map(describeWorker), ...this.remarks],
    };
  }

  /** Resolves as soon as everything is there. @throws what ended the engine before */
  async whenReady(): Promise<void> {
    if (this.ended !== null) throw this.ended;
    if (this.read().ready) return;
    await new Promise<void>((resolve, reject) => this.waiters.push({ resolve, reject }));
  }

  private settle(): void {
    if (this.waiters.length === 0 || !this.read().ready) return;
    for (const { resolve } of this.waiters.splice(0)) resolve();
  }
}

function missingShardsOf(workers: WorkerStatus[], numShards: number): number[] {
  return missingShards(
    workers.map(({ address, shards }) => ({ id: address, shards })),
    numShards,
  );
}
