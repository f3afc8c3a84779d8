import { GrpcDispatch, type RemoteWorker } from '@ringmesh/dispatch';
import type { ChannelShape, Doorbell } from '@ringmesh/protocol';
import type { PackManifest } from '@ringmesh/weights';
import type { EngineOptions, EngineSettings } from './engine-options.js';
import { LocalExperts } from './local-experts.js';

/** Where the experts are: on threads of this process, or on workers behind gRPC. */
export type Experts = LocalExperts | GrpcDispatch;

/** What both kinds need to know. */
export interface ExpertsParts {
  channelShape: ChannelShape;
  /** Channels of each host: micro-batches that may be in flight at once. */
  numSlots: number;
  /** The bell that all channels ring when they have an answer. */
  clientBell: Doorbell;
  /** Called with all hosts after one of them changed. */
  onChange: (hosts: RemoteWorker[]) => void;
  /** None of them can be used any more. */
  onFailure: (error: Error) => void;
}

/** @throws InvalidOptionError for a malformed address, or security that is not possible */
export function startExperts(options: EngineOptions, settings: EngineSettings, manifest: PackManifest, parts: ExpertsParts): Experts {
  const { packDir, workers, security = {} } = options;
  if (workers === 'local') return new LocalExperts({ ...parts, packDir, manifest, threads: settings.threads });
  const expected = { packId: manifest.packId, name: manifest.name };
  return new GrpcDispatch({ ...parts, workers, expected, dtype: settings.wire, timeoutMs: settings.dispatchTimeoutMs, security });
}

/** The largest exchange that a step can need. */
export function channelShapeOf({ config, numShards }: PackManifest, maxTokens: number): ChannelShape {
  return {
    hiddenSize: config.hiddenSize,
    maxTokens,
    numExperts: config.numExperts,
    expertsPerToken: config.numExpertsPerToken,
    numShards,
  };
}
