import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HubServer } from './hub-server.js';

/** A small model at a hub, for tests of pulling. */
export const HUB_MODEL = 'inclusionAI/Ring-nano';

/** What serving needs of it. */
export const NEEDED_FILES: Record<string, Uint8Array> = {
  'config.json': text('{"model_type": "bailing_moe"}\n'),
  'generation_config.json': text('{}'),
  'model-00001-of-00002.safetensors': content(300_000, 1),
  'model-00002-of-00002.safetensors': content(200_000, 2),
  'model.safetensors.index.json': text('{"weight_map": {}}'),
  'tokenizer.json': content(50_000, 3),
  'tokenizer_config.json': text('{"eos_token": "<|endoftext|>"}'),
};

/** What lies beside that in the repository. */
export const OTHER_FILES: Record<string, Uint8Array> = {
  '.gitattributes': text('*.safetensors filter=lfs'),
  'README.md': text('# Ring-nano'),
  'modeling_bailing_moe.py': text('import os'),
  'pytorch_model.bin': content(1000, 4),
  'original/consolidated.safetensors': content(1000, 5),
};

/** The hashes of files, by name: quicker to compare than bytes, and to read where they differ. */
export function digestsOf(files: Record<string, Uint8Array>): Record<string, string> {
  return Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, createHash('sha256').update(bytes).digest('hex')]));
}

/** The hashes of what a folder holds, but for the notes of pulls. */
export function pulledDigests(dir: string): Record<string, string> {
  const names = readdirSync(dir).filter((name) => !name.startsWith('.ringmesh-pull'));
  return digestsOf(Object.fromEntries(names.map((name) => [name, readFileSync(join(dir, name))])));
}

/** How to pull from a test's hub: with a clock that waits for nothing and a die that always shows 0. */
export function pullOptions(hub: HubServer, dir: string) {
  const waits: number[] = [];
  const messages: string[] = [];
  return {
    model: HUB_MODEL,
    source: 'huggingface' as const,
    endpoint: hub.endpoint,
    dir,
    timing: { random: () => 0, wait: async (ms: number) => void waits.push(ms) },
    onRetry: (message: string) => void messages.push(message),
    /** How long each retry was to wait, in ms. */
    waits,
    messages,
  };
}

function text(characters: string): Uint8Array {
  return new TextEncoder().encode(characters);
}

/** Bytes that differ from place to place and from file to file. */
function content(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 31 + (index >> 8) * 17 + seed) & 0xff);
}
