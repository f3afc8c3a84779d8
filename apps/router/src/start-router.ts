import { monotonicSeconds, type RingmeshError } from '@ringmesh/core';
import { startEngine } from '@ringmesh/engine';
import { formatAddress } from '@ringmesh/protocol';
import {
  collectProcessMetrics,
  createLogger,
  createMetricsRegistry,
  type Logger,
  measureEventLoopDelay,
  type MetricsRegistry,
  MetricsServer,
  RefusalMetrics,
  registerWaitingLoad,
  RequestMetrics,
  startTracing,
} from '@ringmesh/telemetry';
import { type PackManifest, readManifest } from '@ringmesh/weights';
import { Admission } from './admission/admission.js';
import { authenticate } from './api-keys/authenticate.js';
import { FollowedApiKeys } from './api-keys/followed-api-keys.js';
import { followRegistry } from './follow-registry.js';
import { InFlight } from './generation/in-flight.js';
import { TextGenerator } from './generation/text-generator.js';
import { createApp } from './http/create-app.js';
import { closeApp, listen } from './http/listen.js';
import { EngineObserver } from './metrics/engine-observer.js';
import { engineOptions, type RouterOptions } from './options.js';
import { loadServedModel } from './served-model.js';
import { ResponseStore } from './openai/responses/response-store.js';
import { RequestTraces } from './tracing/request-traces.js';
import { WorkerLog } from './worker-log.js';

export interface RunningRouter {
  /** Where it listens: `http://host:port`. */
  url: string;
  /** Where /metrics is: `http://host:port`. */
  metricsUrl: string;
  /** Resolves with the reason if the engine ends by itself: what is left to do then is to close, and to end the process. */
  failed: Promise<RingmeshError>;
  /** Refuses new requests, lets running ones finish within the shutdown timeout, and ends everything. */
  close(): Promise<void>;
}

/**
 * Starts serving a pack. It answers as soon as this resolves; `/ready` says when the model is loaded and every shard has a worker.
 * @throws RingmeshError when the pack, an option or the address to listen on cannot be used
 */
export async function startRouter(options: RouterOptions): Promise<RunningRouter> {
  const log = createLogger({ name: 'router', level: options.logLevel });
  const manifest = await readManifest(options.pack);
  const apiKeys = await FollowedApiKeys.read(options);
  const name = options.servedModelName ?? manifest.name;
  const metrics = createMetricsRegistry();
  collectProcessMetrics(metrics);
  const observer = new EngineObserver(metrics, name, manifest);
  const workerLog = new WorkerLog(log);
  const failed = Promise.withResolvers<RingmeshError>();

  const tracer = await startTracing(options.tracing, { service: 'ringmesh-router', registry: metrics, log });
  const traces = tracer && new RequestTraces(tracer, name);

  const engine = await startEngine(engineOptions(options), {
    onVerify: (bytes) => log.info({ bytes }, 'verifying the files of the pack, once on this machine'),
    onStep: (step) => observer.recordStep(step),
    onTrace: (step) => traces?.recordStep(step),
    onWorkers: (workers) => workerLog.changed(workers),
    onFatal: (error) => {
      log.fatal({ err: error }, 'the engine ended');
      failed.resolve(error);
    },
  });
  warnOfRounding(options, log);
  const opened = new AsyncDisposableStack();
  opened.defer(() => tracer?.close());
  opened.defer(() => engine.close());
  try {
    observer.observe(engine);
    warnOfShortContext(options, manifest, engine.maxModelLen, log);
    const { redisUrl } = options.experts;
    if (redisUrl !== undefined) {
      const registry = await followRegistry({ redisUrl, security: options.security }, engine, log);
      opened.defer(() => registry.close());
    }
    const { pack: packDir, outputParsers } = options;
    const model = await loadServedModel(manifest, { packDir, name, outputParsers, maxModelLen: engine.maxModelLen });
    const inFlight = new InFlight();
    const refusals = new RefusalMetrics(metrics);
    const admission = new Admission({ limits: options.queueLimits, now: monotonicSeconds, onRefused: (code) => refusals.count(code) });
    opened.defer(apiKeys.follow({ log, onChange: ({ list }) => admission.setKeys(list) }));
    registerWaitingLoad(metrics, name, () => admission.waiting());
    const backend = { engine, tokenizer: model.tokenizer, endTokenIds: model.endTokenIds };
    const generator = new TextGenerator({ backend, metrics: new RequestMetrics(metrics, name), inFlight, admission, traces });
    const metricsServer = await listenForScrapes(options, metrics, () => engine.readiness().ready && !inFlight.isClosing);
    opened.defer(() => metricsServer?.close());
    const responses = new ResponseStore(options.responseStore, () => performance.now());
    const app = await createApp({
      ...{ engine, model, generator, inFlight, responses, metrics, log, tracer },
      servesMetrics: metricsServer === undefined,
      authenticate: ({ headers }) => authenticate(headers, apiKeys.current, (code) => refusals.count(code)),
    });
    opened.defer(() => closeApp(app));
    opened.defer(() => inFlight.close(options.shutdownTimeoutMs));
    const url = await listen(app, options);
    opened.defer(measureEventLoopDelay(metrics));
    const metricsUrl = metricsServer === undefined ? url : `http://${formatAddress(metricsServer.address)}`;
    log.info({ url, metricsUrl, model: name, maxModelLen: engine.maxModelLen }, 'listening');
    return { url, metricsUrl, failed: failed.promise, close: () => opened.disposeAsync() };
  } catch (error) {
    await opened.disposeAsync();
    throw error;
  }
}

/** @returns undefined where the API serves the metrics itself */
async function listenForScrapes(
  { host, metricsPort: port }: RouterOptions,
  registry: MetricsRegistry,
  isReady: () => boolean,
): Promise<MetricsServer | undefined> {
  return port === undefined ? undefined : MetricsServer.listen({ host, port, registry, isReady });
}

/** With experts of both kinds the wire's format may show in the answers. */
function warnOfRounding({ experts: { localShards, addresses, redisUrl }, wire = 'f32' }: RouterOptions, log: Logger): void {
  const isMixed = localShards !== undefined && (addresses.length > 0 || redisUrl !== undefined);
  if (!isMixed || wire === 'f32') return;
  log.warn(
    `--wire ${wire} rounds what travels to workers, not what is computed here: a shard that is in both places may give either result`,
  );
}

/** A context that was cut to what memory holds is nothing that an operator asked for. */
function warnOfShortContext({ maxModelLen }: RouterOptions, { config }: PackManifest, served: number, log: Logger): void {
  const full = config.maxPositionEmbeddings;
  if (maxModelLen !== undefined || served >= full) return;
  const why = `one request may have ${served} tokens, not the model's ${full}, which do not fit the memory for keys and values`;
  log.warn(`${why}: give more with --kv-cache-memory, or say with --max-model-len ${served} that this is meant`);
}
