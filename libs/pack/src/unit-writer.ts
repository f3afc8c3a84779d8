import { writeFile } from 'node:fs/promises';
import { DataFile, WeightedGraph } from '@ringmesh/onnx';
import type { Quantization } from '@ringmesh/tensor';
import type { ModelConfig, PackLayout } from '@ringmesh/weights';
import type { WeightSource } from './weight-source.js';

/** Writes the files of one part of a pack, and remembers which. */
export class UnitWriter {
  /** Of all files written so far. */
  readonly paths: string[] = [];

  constructor(
    readonly layout: PackLayout,
    readonly config: ModelConfig,
    readonly weights: WeightSource,
    private readonly quantization: Quantization,
  ) {}

  /** A data file, and within `write` the graphs that share it. */
  async dataFile(path: string, write: (file: DataFile) => Promise<void>): Promise<void> {
    const file = await DataFile.create(path);
    this.paths.push(path);
    try {
      await write(file);
    } finally {
      await file.close();
    }
  }

  /** A graph whose weights go into `file`. */
  async graph(path: string, file: DataFile, build: (graph: WeightedGraph) => Promise<void>): Promise<void> {
    const graph = new WeightedGraph('ringmesh', file, this.quantization);
    await build(graph);
    await writeFile(path, graph.build());
    this.paths.push(path);
  }
}
