import type { ChannelShape } from '@ringmesh/protocol';
import type { PackManifest } from '@ringmesh/weights';

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
