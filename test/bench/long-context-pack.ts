import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writePack } from '@ringmesh/pack';
import { SAMPLE_MODEL } from '@ringmesh/testing';

/** The sample model, told that its context is longer: what it says there makes no sense, but takes the same time. */
export async function longContextPack(folder: string, contextTokens: number): Promise<string> {
  const dir = join(folder, 'ring-nano');
  await cp(SAMPLE_MODEL, dir, { recursive: true });
  const path = join(dir, 'config.json');
  const config = JSON.parse(await readFile(path, 'utf8')) as object;
  await writeFile(path, JSON.stringify({ ...config, max_position_embeddings: contextTokens }));
  const packDir = join(folder, 'pack');
  await writePack({ source: { type: 'checkpoint', dir }, packDir, quantization: { method: 'f32' } });
  return packDir;
}
