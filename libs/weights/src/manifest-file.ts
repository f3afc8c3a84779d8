import { open, rename } from 'node:fs/promises';
import { JsonFields, PackInvalidError, readJsonFile } from '@ringmesh/core';
import type { Quantization } from '@ringmesh/tensor';
import { readConfigFields } from './config-fields.js';
import { readGenerationFields } from './generation-defaults.js';
import type { PackFile, PackManifest } from './manifest.js';
import { packIdOf } from './pack-id.js';
import { PackLayout } from './pack-layout.js';

const FORMAT_VERSION = 2;
const MAX_MANIFEST_BYTES = 64 * 2 ** 20;
const MAX_FILES = 200_000;
const BLOCK_SIZES = [16, 32, 64, 128, 256];

/** Reads and checks the manifest of a pack folder. @throws PackInvalidError with the field that is wrong */
export async function readManifest(dir: string): Promise<PackManifest> {
  return parseManifest(
    await readJsonFile(new PackLayout(dir).manifest, MAX_MANIFEST_BYTES, { Missing: PackInvalidError, Invalid: PackInvalidError }),
  );
}

/** Checks a parsed manifest.json. @throws PackInvalidError with the field that is wrong */
export function parseManifest(json: unknown): PackManifest {
  const fields = JsonFields.of(json, { file: 'manifest.json', ErrorClass: PackInvalidError });
  if (fields.value('formatVersion') !== FORMAT_VERSION) {
    fields.fail('formatVersion', `must be ${FORMAT_VERSION}, the version this Ringmesh reads: pack the checkpoint again`);
  }
  const config = readConfigFields(fields.object('config'));
  const manifest: PackManifest = {
    formatVersion: FORMAT_VERSION,
    packId: fields.string('packId', 64),
    name: fields.string('name', 255),
    config,
    generationDefaults: readGenerationFields(fields.object('generationDefaults')),
    quantization: readQuantization(fields.object('quantization')),
    numShards: fields.integer('numShards', 1, config.numExperts),
    numParts: fields.integer('numParts', 1, config.numKeyValueHeads),
    files: readFiles(fields),
  };
  if (manifest.packId !== packIdOf(manifest))
    fields.fail('packId', 'does not belong to this manifest, which was changed: pack the checkpoint again');
  return manifest;
}

/** Writes the manifest, which makes the folder a pack: it appears whole or not at all. */
export async function writeManifest(dir: string, manifest: PackManifest): Promise<void> {
  const path = new PackLayout(dir).manifest;
  const temporary = `${path}.${process.pid}.tmp`;
  const file = await open(temporary, 'w');
  try {
    await file.writeFile(`${JSON.stringify(manifest, null, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
}

function readQuantization(fields: JsonFields): Quantization {
  const method = fields.oneOf('method', ['f32', 'f16', 'q8', 'q4']);
  return method === 'f32' || method === 'f16' ? { method } : { method, blockSize: fields.oneOf('blockSize', BLOCK_SIZES) };
}

function readFiles(fields: JsonFields): PackFile[] {
  const seen = new Set<string>();
  return fields.list('files', MAX_FILES).map((entry) => {
    const file = {
      path: entry.string('path', 1024),
      bytes: entry.integer('bytes', 0, Number.MAX_SAFE_INTEGER),
      sha256: entry.string('sha256', 64),
    };
    if (!isInside(file.path)) entry.fail('path', 'must be a relative path inside the pack');
    if (seen.has(file.path)) entry.fail('path', 'must not be listed twice');
    if (!/^[0-9a-f]{64}$/.test(file.sha256)) entry.fail('sha256', 'must be 64 hexadecimal digits');
    seen.add(file.path);
    return file;
  });
}

function isInside(path: string): boolean {
  return !/[\\\0]/.test(path) && path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}
