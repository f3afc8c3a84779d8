import { copyFile, readdir, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import {
  Checkpoint,
  type GenerationDefaults,
  type ModelConfig,
  readGenerationDefaults,
  readModelConfig,
  validateCheckpoint,
} from '@ringmesh/weights';
import { CheckpointWeights } from './checkpoint-weights.js';
import type { OpenModelSource } from './model-source.js';

/** Files of a checkpoint that the router needs beside the weights. */
const TOKENIZER_FILES = ['tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json', 'chat_template.jinja'];

/** A Hugging Face checkpoint folder. */
export class CheckpointSource implements OpenModelSource {
  readonly name: string;
  readonly weights: CheckpointWeights;

  private constructor(
    private readonly dir: string,
    readonly config: ModelConfig,
    readonly generationDefaults: GenerationDefaults,
    private readonly checkpoint: Checkpoint,
  ) {
    this.name = basename(resolve(dir));
    this.weights = new CheckpointWeights(checkpoint);
  }

  /** Opens all files and compares their tensors with the config. Errors as {@link openSource}. */
  static async open(dir: string): Promise<CheckpointSource> {
    const config = await readModelConfig(dir);
    const generationDefaults = await readGenerationDefaults(dir);
    const checkpoint = await Checkpoint.open(dir);
    try {
      validateCheckpoint(config, checkpoint);
    } catch (error) {
      await checkpoint.close();
      throw error;
    }
    return new CheckpointSource(dir, config, generationDefaults, checkpoint);
  }

  identity(): Promise<unknown> {
    return folderIdentity(this.dir);
  }

  async writeTokenizer(dir: string): Promise<void> {
    const present = new Set(await readdir(this.dir));
    for (const name of TOKENIZER_FILES.filter((file) => present.has(file))) await copyFile(join(this.dir, name), join(dir, name));
  }

  close(): Promise<void> {
    return this.checkpoint.close();
  }
}

/** Name, size and time of change of every file of a folder, in order of name: equal as long as nobody changes one. */
export async function folderIdentity(dir: string): Promise<[name: string, size: number, mtimeMs: number][]> {
  const names = (await readdir(dir)).sort();
  return Promise.all(
    names.map(async (name): Promise<[string, number, number]> => {
      const { size, mtimeMs } = await stat(join(dir, name));
      return [name, size, mtimeMs];
    }),
  );
}
