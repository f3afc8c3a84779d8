import type { EngineHandle, StepMetrics } from '@ringmesh/engine';
import { DispatchMetrics, EngineMetrics, type MetricsRegistry, registerEngineLoad, registerWorkers } from '@ringmesh/telemetry';
import type { PackManifest } from '@ringmesh/weights';

/** Turns what the engine tells into metrics. */
export class EngineObserver {
  private readonly engineMetrics: EngineMetrics;
  private readonly dispatchMetrics: DispatchMetrics;

  constructor(
    private readonly registry: MetricsRegistry,
    private readonly modelName: string,
    { config, numShards }: PackManifest,
  ) {
    this.engineMetrics = new EngineMetrics(registry, modelName);
    this.dispatchMetrics = new DispatchMetrics(registry, { numLayers: config.numLayers, numShards });
  }

  recordStep({ numTokens, preemptions, speculation, dispatch }: StepMetrics): void {
    this.engineMetrics.iterationTokens.observe(numTokens);
    this.engineMetrics.preemptions.inc(preemptions);
    this.engineMetrics.drafts.inc(speculation.numDrafts);
    this.engineMetrics.draftTokens.inc(speculation.numDraftTokens);
    this.engineMetrics.acceptedTokens.inc(speculation.numAcceptedTokens);
    this.dispatchMetrics.record(dispatch);
  }

  /** From now on every scrape asks the engine for its load and its workers. */
  observe(engine: EngineHandle): void {
    registerEngineLoad(this.registry, this.modelName, () => engine.stats());
    registerWorkers(this.registry, () => engine.workers().map((worker) => ({ ...worker, isUp: worker.state === 'ready' })));
  }
}
