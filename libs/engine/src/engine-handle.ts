import { InvalidRequestError, NotReadyError, type RingmeshError, ShuttingDownError } from '@ringmesh/core';
import { type ExpertHost, type RemoteWorker, requestsInFlight, type WorkerStatus } from '@ringmesh/dispatch';
import { Doorbell } from '@ringmesh/protocol';
import type { PackManifest } from '@ringmesh/weights';
import { channelShapeOf } from './channel-shape.js';
import { checkRequest } from './check-request.js';
import { ComputeThreads } from './compute-threads.js';
import { engineError } from './engine-error.js';
import type { MessageFromEngine } from './engine-messages.js';
import type { EngineOptions, EngineSettings } from './engine-options.js';
import { EngineThreadHandle } from './engine-thread-handle.js';
import { Experts } from './experts.js';
import type { EngineClient, EngineStats, GenerationEvent, GenerationRequest, Readiness } from './generation.js';
import { maxLogitRows } from './speculation/speculation.js';
import { OpenRequests } from './open-requests.js';
import { ReadinessTracker } from './readiness-tracker.js';
import type { StepMetrics } from './step-report.js';
import type { StepTrace } from './step-trace.js';

/** What the engine tells without being asked. */
export interface EngineCallbacks {
  /** Before files of the pack are hashed, which takes a second or so a gigabyte. */
  onVerify?: (totalBytes: number) => void;
  /** After each step that computed something. */
  onStep?: (metrics: StepMetrics, stats: EngineStats) => void;
  /** After each step for requests that are traced, before their events. */
  onTrace?: (trace: StepTrace) => void;
  /** After each change of any worker. */
  onWorkers?: (workers: WorkerStatus[]) => void;
  /** The engine ended by itself, or could not start. All requests have failed; the process should end too. */
  onFatal: (error: RingmeshError) => void;
}

/** Micro-batches that may be on their way to the experts at once. */
const NUM_SLOTS = 2;

/** The engine as the main thread sees it: passes requests in and their events out, and knows what is missing. It computes nothing. */
export class EngineHandle implements EngineClient {
  readonly maxModelLen: number;
  private readonly experts: Experts;
  private readonly compute: ComputeThreads;
  private readonly thread: EngineThreadHandle;
  private readonly tracker: ReadinessTracker;
  private readonly requests = new OpenRequests((message) => this.thread.send(message));
  private expertWorkers: RemoteWorker[] = [];
  private hosts: ExpertHost[] = [];
  private epoch = 0;
  private latestStats: EngineStats = { running: 0, waiting: 0, kvCacheUsage: 0, kvCacheBytes: 0 };
  private ended: RingmeshError | null = null;

  constructor(
    readonly manifest: PackManifest,
    options: EngineOptions & { localShards: number[] },
    settings: EngineSettings,
    private readonly callbacks: EngineCallbacks,
  ) {
    this.maxModelLen = settings.maxModelLen;
    this.tracker = new ReadinessTracker(manifest.numShards);
    const channelShape = channelShapeOf(manifest, settings.limits.maxNumBatchedTokens);
    const clientBell = new Doorbell();
    const onFailure = (error: Error): void => this.fail(error);
    const onChange = (workers: RemoteWorker[]): void => this.workersChanged(workers);
    const { packDir, workers, localShards, security = {} } = options;
    const parts = { packDir, manifest, channelShape, numSlots: NUM_SLOTS, clientBell, onFailure };
    const expected = { packId: manifest.packId, name: manifest.name };
    const { wire: dtype, dispatchTimeoutMs: timeoutMs } = settings;
    // What may be refused comes first: threads that nobody closes would keep the process.
    this.experts = new Experts({ ...parts, workers, expected, dtype, timeoutMs, security, onChange });
    this.compute = new ComputeThreads({
      ...parts,
      threads: settings.threads,
      maxLogitRows: maxLogitRows(settings),
      kvCacheBytes: settings.kvCacheBytes,
      kvCacheDtype: settings.kvCacheDtype,
      shards: localShards,
      expertsAreLocal: workers === 'local',
      onProgress: (opened, total) => this.experts.loading(opened, total),
    });
    if (localShards.length > 0) this.experts.addLocal(this.compute);
    this.compute.ready.catch(onFailure);
    const { ownHost, engineRank, spinMs } = this.compute;
    this.thread = new EngineThreadHandle(
      { ...settings, packDir, manifest, channelShape, numSlots: NUM_SLOTS, clientBell: clientBell.buffer, ownHost, engineRank, spinMs },
      { onMessage: (message) => this.receive(message), onFailure },
    );
  }

  async *generate(request: GenerationRequest, signal?: AbortSignal): AsyncGenerator<GenerationEvent, void> {
    if (this.ended !== null) throw this.ended;
    if (!this.tracker.isModelLoaded) throw new NotReadyError(`The model is not loaded yet (${this.readiness().details.join('; ')})`);
    if (this.requests.has(request.id)) {
      throw new InvalidRequestError(`The request id ${request.id} is in use: give each request its own`, { field: 'request_id' });
    }
    checkRequest(request, { vocabSize: this.manifest.config.vocabSize, maxModelLen: this.maxModelLen });
    yield* this.requests.run(request, signal);
  }

  stats(): EngineStats {
    return this.latestStats;
  }

  readiness(): Readiness {
    return this.tracker.read();
  }

  /** Resolves as soon as requests can be answered. @throws what ended the engine before */
  whenReady(): Promise<void> {
    return this.tracker.whenReady();
  }

  /** The workers, or the threads of this process, that have experts, with the requests that each has not answered yet. */
  workers(): (WorkerStatus & { inFlight: number })[] {
    return this.expertWorkers.map((worker) => ({ ...worker, inFlight: requestsInFlight(worker) }));
  }

  /**
   * Replaces the list of workers.
   * @param remarks lines about other workers, for whoever asks what is missing
   * @throws InvalidOptionError for a malformed address, and where all experts are local
   */
  setWorkers(addresses: string[], remarks: string[] = []): void {
    this.experts.setWorkers(addresses);
    this.tracker.remark(remarks);
  }

  /** Fails all requests and ends all threads. */
  async close(): Promise<void> {
    this.end(new ShuttingDownError('The server is shutting down'));
    await Promise.all([this.experts.close(), this.thread.close()]);
    // Only now: the engine's thread may have been waiting for them.
    await this.compute.close();
  }

  private receive(message: MessageFromEngine): void {
    switch (message.type) {
      case 'loading':
        this.tracker.modelLoading(message.layersOpen, message.layersTotal);
        break;
      case 'ready':
        // The other threads may still load; if one cannot, the engine fails as a whole.
        this.compute.ready.then(
          () => this.modelLoaded(),
          () => undefined,
        );
        break;
      case 'step': {
        const { events, stats, metrics, trace } = message.report;
        this.latestStats = stats;
        if (trace !== null) this.callbacks.onTrace?.(trace);
        for (const event of events) this.requests.deliver(event);
        if (metrics !== null) this.callbacks.onStep?.(metrics, stats);
      }
    }
  }

  private modelLoaded(): void {
    this.tracker.modelLoaded();
    this.sendHosts();
  }

  private workersChanged(workers: RemoteWorker[]): void {
    this.expertWorkers = workers;
    // Threads of this process have no channels while they load.
    const hosts = workers
      .filter(({ channels }) => channels.length > 0)
      .map(({ address, shards, channels, addsShards }) => ({ id: address, shards, channels, addsShards }));
    if (placementOf(hosts) !== placementOf(this.hosts)) {
      this.hosts = hosts;
      this.epoch++;
      if (this.tracker.isModelLoaded) this.sendHosts();
    }
    this.tracker.workersChanged(workers);
    this.callbacks.onWorkers?.(workers);
  }

  private sendHosts(): void {
    this.thread.send({ type: 'hosts', epoch: this.epoch, hosts: this.hosts });
  }

  private fail(cause: Error): void {
    if (this.ended !== null) return;
    const error = engineError('The engine failed', cause);
    this.end(error);
    this.callbacks.onFatal(error);
  }

  private end(error: RingmeshError): void {
    this.ended ??= error;
    this.tracker.end(this.ended);
    this.requests.failAll(this.ended);
  }
}

/** Equal for lists that give every host the same shards. A worker cannot get other channels without being gone from a list in between. */
function placementOf(hosts: ExpertHost[]): string {
  return JSON.stringify(hosts.map(({ id, shards }) => [id, shards]));
}
