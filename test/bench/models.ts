import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { InvalidOptionError } from '@ringmesh/core';
import { readShape, writePack } from '@ringmesh/pack';
import { readManifest } from '@ringmesh/weights';
import { bailingMoeMetadata, bailingMoeTensors } from './gguf/bailing-moe.ts';
import { writeGguf } from './gguf/gguf-file.ts';

/** One shape, for both engines. */
export interface BenchModels {
  packDir: string;
  ggufPath: string;
  vocabSize: number;
}

/**
 * Writes the models of a shape where they are missing: a q4 pack with blocks of 128, and for the peer a GGUF with Q4_0.
 * @param numLayers the shape's own where nothing is said
 * @throws InvalidOptionError for a peer that does not have the architecture
 */
export async function ensureModels(
  shape: string,
  numLayers: number | undefined,
  cacheDir: string,
  withPeer: boolean,
): Promise<BenchModels> {
  const { name, config } = await readShape(shape, numLayers);
  if (withPeer && config.modelType !== 'bailing_moe') {
    throw new InvalidOptionError(`--shape ${shape}: node-llama-cpp does not compute ${config.modelType}: add --no-peer`, {
      field: '--shape',
    });
  }
  const dir = join(cacheDir, name);
  await mkdir(dir, { recursive: true });
  const packDir = join(dir, 'pack-q4');
  const ggufPath = join(dir, 'q4_0.gguf');
  if (!existsSync(packDir)) {
    console.error(`writing ${packDir}`);
    await writePack({ source: { type: 'synthetic', name, config, seed: 0 }, packDir, quantization: { method: 'q4', blockSize: 128 } });
  }
  if (withPeer && !existsSync(ggufPath)) {
    console.error(`writing ${ggufPath}`);
    const tokens = Array.from({ length: config.vocabSize }, (_, id) => `t${id}`);
    await writeGguf(ggufPath, bailingMoeMetadata(config, tokens), bailingMoeTensors(config));
  }
  await readManifest(packDir);
  return { packDir, ggufPath, vocabSize: config.vocabSize };
}
