import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CheckpointCorruptError, CheckpointMissingError, JsonFields, readJsonFile } from '@ringmesh/core';

const SINGLE = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';
const MAX_INDEX_BYTES = 100_000_000;
const MAX_FILES = 1000;

/** Which file holds which tensor; a checkpoint of one file has no index, and all of the file's tensors count. */
export type CheckpointFiles = { files: [path: string] } | { files: string[]; fileOf: ReadonlyMap<string, string> };

/**
 * Finds the weight files of a Hugging Face checkpoint folder: `model.safetensors`, or the files that `model.safetensors.index.json` names.
 * @throws CheckpointMissingError where there are none, or the folder is not there
 * @throws CheckpointCorruptError where the index is malformed or names files outside of the folder
 */
export async function findCheckpointFiles(dir: string): Promise<CheckpointFiles> {
  const entries = await listFolder(dir);
  if (entries.includes(SINGLE)) return { files: [join(dir, SINGLE)] };
  if (entries.includes(INDEX)) return readIndex(dir);
  const pytorch = entries.find((name) => /\.(bin|pt|pth)$/.test(name));
  if (pytorch !== undefined) {
    throw new CheckpointMissingError(
      `${dir} has PyTorch weights (${pytorch}) but no ${SINGLE}; convert them: load the model with transformers and call save_pretrained(dir, safe_serialization=True)`,
      { field: dir },
    );
  }
  throw new CheckpointMissingError(`${dir} has neither ${SINGLE} nor ${INDEX}; fetch the weights`, { field: dir });
}

async function listFolder(dir: string): Promise<string[]> {
  const isFolder = await stat(dir).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
  if (!isFolder) throw new CheckpointMissingError(`model folder ${dir} does not exist or is not a folder`, { field: dir });
  return readdir(dir);
}

async function readIndex(dir: string): Promise<CheckpointFiles> {
  const errors = { Missing: CheckpointMissingError, Invalid: CheckpointCorruptError };
  const json = await readJsonFile(join(dir, INDEX), MAX_INDEX_BYTES, errors);
  const weightMap = JsonFields.of(json, { file: INDEX, ErrorClass: CheckpointCorruptError }).object('weight_map');
  const fileOf = new Map<string, string>();
  for (const tensor of weightMap.keys()) {
    const name = weightMap.string(tensor, 255);
    if (/[/\\\0]/.test(name) || !name.endsWith('.safetensors')) {
      weightMap.fail(tensor, 'must be the name of a .safetensors file in the same folder');
    }
    fileOf.set(tensor, join(dir, name));
  }
  const files = [...new Set(fileOf.values())].sort();
  if (files.length === 0 || files.length > MAX_FILES) {
    throw new CheckpointCorruptError(`${INDEX}: weight_map names ${files.length} files; 1 to ${MAX_FILES} are accepted`, { field: INDEX });
  }
  return { files, fileOf };
}
