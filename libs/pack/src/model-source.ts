import type { GenerationDefaults, ModelConfig } from '@ringmesh/weights';
import { CheckpointSource } from './checkpoint-source.js';
import { SyntheticSource } from './synthetic/synthetic-source.js';
import type { WeightSource } from './weight-source.js';

/** Where a model comes from, as plain data: every packing thread opens it for itself. */
export type ModelSource =
  /** A Hugging Face checkpoint folder. */
  | { type: 'checkpoint'; dir: string }
  /** Random weights of a shape. */
  | { type: 'synthetic'; name: string; config: ModelConfig; seed: number };

/** A model that a pack is made of. */
export interface OpenModelSource {
  readonly name: string;
  readonly config: ModelConfig;
  readonly generationDefaults: GenerationDefaults;
  readonly weights: WeightSource;
  /** Plain data that is equal only where the packs would be. */
  identity(): Promise<unknown>;
  /** Writes the tokenizer's files into a folder that exists. */
  writeTokenizer(dir: string): Promise<void>;
  close(): Promise<void>;
}

/** @throws CheckpointMissingError, CheckpointCorruptError, CheckpointMismatchError, ConfigInvalidError, ConfigUnsupportedError */
export async function openSource(source: ModelSource): Promise<OpenModelSource> {
  return source.type === 'checkpoint' ? CheckpointSource.open(source.dir) : new SyntheticSource(source);
}
