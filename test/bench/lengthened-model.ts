import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writePack } from '@ringmesh/pack';
import { SAMPLE_MODEL } from '@ringmesh/testing';

/** The sample model, told that its context is longer: what it says there makes no sense, but takes the same time. @returns the pack's folder */
export async function lengthenedModel(folder: string, contextTokens: number): Promise<string> {
  const dir = join(folder, 'ring-nano');
  await cp(SAMPLE_MODEL, dir, { recursive: true });
  const path = join(dir, 'config.json');
  const config = JSON.parse(await readFile(path, 'utf8')) as object;
  await writeFile(path, JSON.stringify({ ...config, max_position_embeddings: contextTokens }));
  const packDir = join(folder, 'pack');
  await writePack({ source: { type: 'checkpoint', dir }, packDir, quantization: { method: 'f32' } });
  return packDir;
}

/** A text of about so many tokens. @param url of the server, without `/v1` */
export async function promptOf(numTokens: number, url: string): Promise<string> {
  const sentence = 'What is 47 + 85? It is 132, and 132 - 85 is 47 again. ';
  const body = JSON.stringify({ prompt: sentence.repeat(10) });
  const response = await fetch(`${url}/tokenize`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  const { count } = (await response.json()) as { count: number };
  return sentence.repeat(Math.ceil((numTokens * 10) / count));
}
