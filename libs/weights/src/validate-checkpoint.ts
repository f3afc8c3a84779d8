import { CheckpointMismatchError } from '@ringmesh/core';
import { attentionKind } from './architectures.js';
import type { Checkpoint } from './checkpoint.js';
import { configJsonName } from './config.js';
import { type ExpectedTensor, expectedTensors } from './expected-tensors.js';
import type { ModelConfig } from './model-config.js';
import { tensorNames } from './tensor-names.js';

interface Mismatch {
  tensor: string;
  problem: string;
}

/**
 * Compares the tensors of a checkpoint with those its config calls for, before any of them is read.
 * @throws CheckpointMismatchError for a tensor that is missing, has another shape, or that the config has no use for
 */
export function validateCheckpoint(config: ModelConfig, checkpoint: Checkpoint): void {
  const expected = expectedTensors(config);
  const mismatches: Mismatch[] = [];
  for (const [tensor, want] of expected) {
    const problem = checkpoint.has(tensor)
      ? shapeProblem(config, checkpoint.info(tensor).shape, want)
      : `is missing from the weights (${showFields(config, [want.because])})`;
    if (problem !== null) mismatches.push({ tensor, problem });
  }
  for (const tensor of checkpoint.names()) {
    if (!expected.has(tensor) && !isIgnored(config, tensor)) mismatches.push({ tensor, problem: unexpectedProblem(config, tensor) });
  }
  const [first] = mismatches;
  if (first === undefined) return;
  const more = mismatches.length > 1 ? ` (and ${mismatches.length - 1} more tensors)` : '';
  throw new CheckpointMismatchError(
    `config.json and the weights disagree: ${first.tensor} ${first.problem}${more}; fetch both from the same checkpoint`,
    { field: first.tensor },
  );
}

function shapeProblem(config: ModelConfig, shape: readonly number[], { axes }: ExpectedTensor): string | null {
  const wrong = axes.filter((axis, i) => axis.size !== shape[i]);
  if (wrong.length === 0 && shape.length === axes.length) return null;
  const fields = [...new Set((wrong.length > 0 ? wrong : axes).flatMap((axis) => axis.from))];
  return `has shape [${shape.join(', ')}], expected [${axes.map((axis) => axis.size).join(', ')}] (${showFields(config, fields)})`;
}

function unexpectedProblem(config: ModelConfig, tensor: string): string {
  const field = fieldAgainst(config, tensor);
  return field === null
    ? 'is in the weights, but this architecture has no such tensor'
    : `is in the weights, against ${showFields(config, [field])}`;
}

/** The config field that says a tensor should not be there. */
function fieldAgainst(config: ModelConfig, tensor: string): keyof ModelConfig | null {
  const layer = /^model\.layers\.(\d+)\.(.*)$/.exec(tensor);
  const rest = layer?.[2];
  if (rest === undefined) return null;
  const expert = /^mlp\.experts\.(\d+)\./.exec(rest)?.[1];
  if (Number(layer?.[1]) >= config.numLayers) return 'numLayers';
  if (config.modelType === 'bailing_moe_linear') {
    const isLinear = attentionKind(config, Number(layer?.[1])) === 'linear';
    if (rest.startsWith('attention.g_')) return isLinear ? 'useLowRank' : 'layerGroupSize';
    if (isLinear && /^attention\..*\.bias$/.test(rest)) return 'layerGroupSize';
  }
  if (rest === 'attention.query_key_value.bias') return 'useQkvBias';
  if (rest === 'attention.dense.bias') return 'useBias';
  if (/^mlp\.(gate|up|down)_proj\.weight$/.test(rest) || Number(layer?.[1]) < config.firstKDenseReplace) return 'firstKDenseReplace';
  if (rest.startsWith('mlp.shared_experts.')) return 'numSharedExperts';
  return Number(expert) >= config.numExperts ? 'numExperts' : null;
}

/** Tables that old transformers versions stored, and a second copy of tied embeddings, carry nothing of their own. */
function isIgnored(config: ModelConfig, tensor: string): boolean {
  return /\.rotary_emb\.(inv_freq|cos_cached|sin_cached)$/.test(tensor) || (config.tieWordEmbeddings && tensor === tensorNames.lmHead);
}

function showFields(config: ModelConfig, fields: readonly (keyof ModelConfig)[]): string {
  return fields.map((field) => `config.json: ${configJsonName(field)} ${JSON.stringify(config[field])}`).join(', ');
}
