import type { ErrorMessage } from '@ringmesh/core';
import type { ExpertHost } from '@ringmesh/dispatch';
import type { ChannelShape } from '@ringmesh/protocol';
import type { SchedulerLimits } from '@ringmesh/scheduler';
import type { PackManifest } from '@ringmesh/weights';
import type { GenerationRequest } from './generation.js';
import type { StepReport } from './step-report.js';

/** What the engine thread is started with. */
export interface EngineThreadData {
  packDir: string;
  manifest: PackManifest;
  channelShape: ChannelShape;
  numSlots: number;
  limits: SchedulerLimits;
  kvCacheBytes: number;
  dispatchTimeoutMs: number;
  /** Rung after each message to the thread. */
  inboxBell: SharedArrayBuffer;
  /** Rung by the experts' channels. */
  clientBell: SharedArrayBuffer;
}

export type MessageToEngine =
  | { type: 'submit'; request: GenerationRequest; /** {@link wallClock} */ submittedAt: number }
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

/** Seconds since 1970, monotonic, the same for all threads: `performance.now` alone counts from each thread's own start. */
export function wallClock(): number {
  return (performance.timeOrigin + performance.now()) / 1000;
}
