import type { Quantization } from '@ringmesh/tensor';
import type { GenerationDefaults, ModelConfig } from './model-config.js';

/** One file of a pack: its path inside the pack folder, size and SHA-256. */
export interface PackFile {
  path: string;
  bytes: number;
  sha256: string;
}

/** `manifest.json` of a pack, written last: a folder without it is not a pack. */
export interface PackManifest {
  formatVersion: 2;
  /** SHA-256 over config, quantization, shard rule and file hashes: router and workers must agree on it. */
  packId: string;
  /** Name under which the model is served unless told otherwise: the checkpoint folder's name. */
  name: string;
  config: ModelConfig;
  generationDefaults: GenerationDefaults;
  quantization: Quantization;
  /** S: how many shards the experts of every layer are cut into. */
  numShards: number;
  /** P: how many parts the router's own weights are cut into, for its compute threads to share. */
  numParts: number;
  files: PackFile[];
}
