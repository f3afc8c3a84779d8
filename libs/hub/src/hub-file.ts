import { CheckpointCorruptError, CheckpointMissingError, type JsonFields } from '@ringmesh/core';
import type { Checksum } from './checksum.js';

/** A file as a hub lists it. */
export interface HubFile {
  /** Inside the repository: `model-00001-of-00004.safetensors`. */
  path: string;
  /** In bytes. */
  size: number;
  /** null where the hub does not know it. */
  checksum: Checksum | null;
}

export const MAX_FILES = 10_000;
export const MAX_PATH_LENGTH = 1024;
export const MAX_FILE_BYTES = 2 ** 40;

/** Files beside the weights are small; a larger one is not what its name says. */
const MAX_METADATA_BYTES = 128 * 2 ** 20;

const METADATA = new Set([
  'config.json',
  'generation_config.json',
  'model.safetensors.index.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'vocab.json',
  'merges.txt',
  'chat_template.jinja',
]);

/** A path that stays inside the folder it is joined to. */
export function readPath(entry: JsonFields, key: string): string {
  const path = entry.string(key, MAX_PATH_LENGTH);
  const isInside = path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
  if (!isInside || /[\\\p{Cc}]/u.test(path)) entry.fail(key, 'must be a relative path inside the repository');
  return path;
}

/**
 * The files that serving needs: configuration, tokenizer and safetensors weights of the repository's top folder. Never code, never pickled weights.
 * @throws CheckpointMissingError where there is no configuration or no such weights
 */
export function chooseFiles(files: readonly HubFile[], repository: string): HubFile[] {
  const chosen = files.filter(({ path }) => METADATA.has(path) || isWeights(path));
  const large = chosen.find(({ path, size }) => !isWeights(path) && size > MAX_METADATA_BYTES);
  if (large !== undefined) {
    throw new CheckpointCorruptError(`${large.path} of ${repository} has ${large.size} bytes; at most ${MAX_METADATA_BYTES} are accepted`, {
      field: large.path,
    });
  }
  if (!chosen.some(({ path }) => isWeights(path))) {
    const pickled = files.find(({ path }) => /\.(bin|pt|pth)$/.test(path));
    throw new CheckpointMissingError(
      pickled === undefined
        ? `${repository} has no .safetensors weights; is it a model?`
        : `${repository} has no .safetensors weights, only ${pickled.path}, which can hold code: take another --revision, or convert the model`,
      { field: '--model' },
    );
  }
  if (!chosen.some(({ path }) => path === 'config.json')) {
    throw new CheckpointMissingError(`${repository} has no config.json; is it a Transformers model?`, { field: '--model' });
  }
  return chosen;
}

function isWeights(path: string): boolean {
  return path.endsWith('.safetensors') && !path.includes('/');
}
