import type { ErrorMessage } from '@ringmesh/core';
import type { ExpertHost } from '@ringmesh/dispatch';
import type { PooledHost } from '@ringmesh/experts';
import type { KvCacheDtype } from '@ringmesh/kv-cache';
import type { ChannelShape } from '@ringmesh/protocol';
import type { SchedulerLimits } from '@ringmesh/scheduler';
import type { PackManifest } from '@ringmesh/weights';
import type { EngineRank } from './compute-threads.js';
import type { GenerationRequest } from './generation.js';
import type { SpeculationSettings } from './speculation/speculation.js';
import type { StepReport } from './step-report.js';

/** What the engine thread is started with. */
export interface EngineThreadData {
  packDir: string;
  manifest: PackManifest;
  channelShape: ChannelShape;
  numSlots: number;
  limits: SchedulerLimits;
  kvCacheBytes: number;
  kvCacheDtype: KvCacheDtype;
  prefixCaching: boolean;
  deterministic: boolean;
  speculation: SpeculationSettings | null;
  dispatchTimeoutMs: number;
  profile: boolean;
  tracing: boolean;
  /** Experts that the thread computes itself; without shards where it computes none. */
  ownHost: PooledHost;
  /** How long the thread looks for answers of the others before it sleeps. */
  spinMs: number;
  /** The other compute threads. */
  engineRank: EngineRank;
  /** Rung after each message to the thread. */
  inboxBell: SharedArrayBuffer;
  /** Rung by the experts' channels. */
  clientBell: SharedArrayBuffer;
}

export type MessageToEngine =
  | { type: 'submit'; request: GenerationRequest; /** By `monotonicSeconds`. */ submittedAt: number }
  | { type: 'abort'; id: string }
  | { type: 'hosts'; epoch: number; hosts: ExpertHost[] }
  | { type: 'close' };

export type MessageFromEngine =
  { type: 'loading'; layersOpen: number; layersTotal: number } | { type: 'ready' } | { type: 'step'; report: StepReport };

/** The last message of a thread that ends because of an error. */
export interface EngineFailure {
  type: 'failed';
  error: ErrorMessage;
}
