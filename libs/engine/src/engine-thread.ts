import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { errorToMessage, monotonicSeconds, ShuttingDownError, SpanIds, StepProfile } from '@ringmesh/core';
import { Dispatcher, DispatchTrace } from '@ringmesh/dispatch';
import { ExpertStore, serveWaiting } from '@ringmesh/experts';
import { Model } from '@ringmesh/model';
import { Doorbell, ExpertChannel } from '@ringmesh/protocol';
import { Engine } from './engine.js';
import { engineError } from './engine-error.js';
import type { EngineFailure, EngineThreadData, MessageFromEngine, MessageToEngine } from './engine-messages.js';
import { StepTracer } from './step-tracer.js';

const data = workerData as EngineThreadData;
const inboxBell = new Doorbell(data.inboxBell);
const profile = data.profile ? new StepProfile() : undefined;
const trace = data.tracing ? new DispatchTrace(new SpanIds(Math.random), monotonicSeconds) : undefined;
let isClosed = false;

/** Who speaks with a worker answers for it when its time is over; only if nobody does, the dispatcher gives up by itself. */
const GRACE_MS = 1_000;

try {
  const dispatcher = new Dispatcher({
    shape: data.channelShape,
    numLayers: data.manifest.config.numLayers,
    numSlots: data.numSlots,
    clientBell: new Doorbell(data.clientBell, data.spinMs),
    timeoutMs: data.dispatchTimeoutMs + GRACE_MS,
    serveOwnHosts: openOwnExperts(),
    profile,
    trace,
  });
  const model = openModel(dispatcher);
  const { vocabSize } = data.manifest.config;
  const { limits, prefixCaching, deterministic, speculation } = data;
  const tracer = trace && new StepTracer(trace);
  const settings = { limits, prefixCaching, deterministic, speculation };
  const engine = new Engine({ model, dispatcher, vocabSize, ...settings, now: monotonicSeconds, profile, tracer });
  post({ type: 'ready' });
  run(engine, dispatcher);
  model.close();
} catch (error) {
  post({ type: 'failed', error: errorToMessage(engineError('The engine failed', error)) });
}

/** @returns answers the requests to the experts of this thread */
function openOwnExperts(): () => void {
  const { packDir, manifest, channelShape, ownHost } = data;
  if (ownHost.shards.length === 0) return () => undefined;
  const { maxTokens } = channelShape;
  const store = ExpertStore.open({ packDir, manifest, shards: ownHost.shards, maxTokens, onProgress: stopIfClosed });
  const channels = ownHost.channels.map((buffers) => new ExpertChannel(buffers));
  return () => void serveWaiting(store, channels);
}

function openModel(dispatcher: Dispatcher): Model {
  const { packDir, manifest, kvCacheBytes, kvCacheDtype, channelShape, engineRank } = data;
  const onProgress = (layersOpen: number, layersTotal: number): void => {
    stopIfClosed();
    post({ type: 'loading', layersOpen, layersTotal });
  };
  const others = { ...engineRank, leaderBell: new Doorbell(data.clientBell, data.spinMs) };
  const { maxTokens } = channelShape;
  const numDrafts = data.speculation?.numTokens;
  return Model.open({ packDir, manifest, dispatcher, kvCacheBytes, kvCacheDtype, maxTokens, numDrafts, others, onProgress, profile });
}

/** @throws ShuttingDownError when the thread was told to close: the only message that comes before `ready` was sent */
function stopIfClosed(): void {
  if (receive()?.type === 'close') throw new ShuttingDownError('The engine was closed while it opened the model');
}

/** Steps while there is work, sleeps while there is none, until told to close. */
function run(engine: Engine, dispatcher: Dispatcher): void {
  for (;;) {
    const seen = inboxBell.value;
    const hasNews = readInbox(engine, dispatcher);
    if (isClosed) return;
    if (engine.hasWork || hasNews) post({ type: 'step', report: engine.step() });
    else inboxBell.wait(seen);
  }
}

/** @returns whether there was a message */
function readInbox(engine: Engine, dispatcher: Dispatcher): boolean {
  let hasNews = false;
  for (let message = receive(); message !== undefined; message = receive()) {
    hasNews = true;
    if (message.type === 'submit') engine.submit(message.request, message.submittedAt);
    else if (message.type === 'abort') engine.abort(message.id);
    else if (message.type === 'hosts') dispatcher.setHosts(message.epoch, message.hosts);
    else isClosed = true;
  }
  return hasNews;
}

function receive(): MessageToEngine | undefined {
  return receiveMessageOnPort(parentPort!)?.message as MessageToEngine | undefined;
}

function post(message: MessageFromEngine | EngineFailure): void {
  parentPort!.postMessage(message);
}
