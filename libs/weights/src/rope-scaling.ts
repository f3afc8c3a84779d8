import { ConfigUnsupportedError, type JsonFields } from '@ringmesh/core';
import type { RopeScaling } from './model-config.js';

const MAX_FACTOR = 1024;

/**
 * Reads `rope_scaling`. The kind stands in `type` (the authors' key) or `rope_type` (newer transformers); `default` means none.
 * YaRN's defaults are those of the authors' code: beta_fast 32, beta_slow 1, mscale 1, mscale_all_dim 0.
 */
export function readRopeScaling(config: JsonFields): RopeScaling | null {
  if (!config.has('ropeScaling')) return null;
  const scaling = config.object('ropeScaling');
  const kindKey = scaling.has('type') ? 'type' : 'rope_type';
  if (kindKey === 'type' && scaling.has('rope_type') && scaling.value('type') !== scaling.value('rope_type')) {
    scaling.fail('rope_type', `contradicts ${scaling.path('type')}; keep one of the two`);
  }
  switch (scaling.string(kindKey, 64)) {
    case 'default':
      return null;
    case 'linear':
      return { type: 'linear', factor: scaling.number('factor', 1, MAX_FACTOR) };
    case 'yarn':
      return readYarn(scaling);
    default:
      return scaling.fail(kindKey, 'must be "linear" or "yarn" (Ringmesh computes no other kind)', ConfigUnsupportedError);
  }
}

function readYarn(scaling: JsonFields): RopeScaling {
  const number = (key: string, min: number, max: number, fallback: number): number =>
    scaling.optional(key, () => scaling.number(key, min, max)) ?? fallback;
  const yarn = {
    type: 'yarn' as const,
    factor: scaling.number('factor', 1, MAX_FACTOR),
    originalMaxPositionEmbeddings: scaling.integer('originalMaxPositionEmbeddings', 1, 2 ** 24),
    betaFast: number('betaFast', 0, 1e6, 32),
    betaSlow: number('betaSlow', 0, 1e6, 1),
    mscale: number('mscale', 0, 100, 1),
    mscaleAllDim: number('mscaleAllDim', 0, 100, 0),
  };
  if (yarn.betaSlow <= 0) scaling.fail('betaSlow', 'must be above 0');
  if (yarn.betaFast <= yarn.betaSlow) scaling.fail('betaFast', `must be above ${scaling.path('betaSlow')} (${yarn.betaSlow})`);
  return yarn;
}
