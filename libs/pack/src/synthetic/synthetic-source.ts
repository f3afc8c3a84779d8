import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GenerationDefaults, ModelConfig } from '@ringmesh/weights';
import type { OpenModelSource } from '../model-source.js';
import { syntheticTokenizer } from './synthetic-tokenizer.js';
import { SyntheticWeights } from './synthetic-weights.js';

/** Changes when the same seed gives other weights than in older versions. */
const VERSION = 1;

/** A model of random weights, for benchmarks and for planning capacity. */
export class SyntheticSource implements OpenModelSource {
  readonly name: string;
  readonly config: ModelConfig;
  readonly generationDefaults: GenerationDefaults = {};
  readonly weights: SyntheticWeights;
  private readonly seed: number;

  constructor({ name, config, seed }: { name: string; config: ModelConfig; seed: number }) {
    this.name = name;
    this.config = config;
    this.seed = seed;
    this.weights = new SyntheticWeights(config, seed);
  }

  async identity(): Promise<unknown> {
    return { synthetic: VERSION, config: this.config, seed: this.seed };
  }

  async writeTokenizer(dir: string): Promise<void> {
    for (const [name, content] of syntheticTokenizer(this.config)) await writeFile(join(dir, name), content);
  }

  async close(): Promise<void> {
    // Nothing is open.
  }
}
