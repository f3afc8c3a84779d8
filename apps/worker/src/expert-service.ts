import { cpus } from 'node:os';
import type { RingmeshError } from '@ringmesh/core';
import { ExpertPool } from '@ringmesh/experts';
import { type ChannelShape, Doorbell, type InfoReply } from '@ringmesh/protocol';
import type { Tracer, WorkerMetrics } from '@ringmesh/telemetry';
import type { PackManifest } from '@ringmesh/weights';
import { BatchComputer } from './batch-computer.js';
import { ForwardSpans } from './forward-spans.js';
import { Forwarder } from './forwarder.js';

export interface ExpertServiceOptions {
  workerId: string;
  packDir: string;
  manifest: PackManifest;
  /** To host, ascending. */
  shards: number[];
  threads: number;
  /** Rows of hidden states in one request at most. */
  maxTokens: number;
  metrics: WorkerMetrics;
  /** Undefined: nothing is traced. */
  tracer: Tracer | undefined;
  /** A compute thread ended by itself: its shards are lost. */
  onFailure: (error: RingmeshError) => void;
}

/** Micro-batches that a compute thread holds at once: it computes one while the answer of another is sent. */
const NUM_SLOTS = 2;

/** What is computed on, for people to read. */
export const DEVICE = cpus()[0]?.model.trim() || 'cpu';

/** The experts of some shards and the state they are in. */
export class ExpertService {
  readonly shape: ChannelShape;
  readonly forwarder: Forwarder;
  private readonly bell = new Doorbell();
  private readonly loading = new AbortController();
  private loaded: Promise<ExpertPool> | null = null;
  private computer: BatchComputer | null = null;
  private isDraining = false;

  constructor(private readonly options: ExpertServiceOptions) {
    const { manifest, maxTokens, metrics, tracer } = options;
    const { hiddenSize, numExperts, numExpertsPerToken: expertsPerToken } = manifest.config;
    this.shape = { hiddenSize, maxTokens, numExperts, expertsPerToken, numShards: manifest.numShards };
    this.forwarder = new Forwarder(manifest.config, this.shape, metrics, tracer && new ForwardSpans(tracer));
  }

  /** Opens the experts. @throws PackInvalidError, EngineFailedError */
  async load(): Promise<void> {
    const { shards, metrics } = this.options;
    const pool = { channelShape: this.shape, numSlots: NUM_SLOTS, clientBell: this.bell, signal: this.loading.signal };
    this.loaded = ExpertPool.start({ ...this.options, ...pool });
    const { hosts } = await this.loaded;
    this.computer = new BatchComputer(hosts, this.shape, this.bell);
    this.forwarder.start(this.computer);
    metrics.hostedShards.set(shards.length);
  }

  /** Whether requests are taken. */
  get isServing(): boolean {
    return this.computer !== null && !this.isDraining;
  }

  info(): InfoReply {
    const { workerId, manifest, shards, threads, maxTokens } = this.options;
    const { numShards, numExperts, hiddenSize, expertsPerToken } = this.shape;
    return {
      workerId,
      packId: manifest.packId,
      modelName: manifest.name,
      shards: this.computer === null ? [] : shards,
      assignedShards: shards,
      numShards,
      numExperts,
      hiddenSize,
      numLayers: manifest.config.numLayers,
      expertsPerToken,
      threads: Math.min(threads, shards.length),
      device: DEVICE,
      draining: this.isDraining,
      maxTokens,
      addsShards: true,
    };
  }

  /** Takes no more requests. Resolves when those that came before are answered. */
  async drain(): Promise<void> {
    this.isDraining = true;
    await this.forwarder.drain();
  }

  /** Stops the compute threads, even where they are still loading. */
  async close(): Promise<void> {
    this.loading.abort();
    const pool = await this.loaded?.catch(() => null);
    this.computer?.close();
    await pool?.close();
  }
}
