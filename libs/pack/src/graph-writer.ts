import { writeFile } from 'node:fs/promises';
import { DataFile, WeightedGraph } from '@ringmesh/onnx';
import type { Quantization } from '@ringmesh/tensor';

/** Writes graphs that share one data file: `<name>.bin` beside them. */
export async function withDataFile(path: string, write: (file: DataFile) => Promise<void>): Promise<void> {
  const file = await DataFile.create(path);
  try {
    await write(file);
  } finally {
    await file.close();
  }
}

/** Writes one graph whose weights go into `file`. */
export async function writeGraph(
  path: string,
  file: DataFile,
  quantization: Quantization,
  build: (graph: WeightedGraph) => Promise<void>,
): Promise<void> {
  const graph = new WeightedGraph('ringmesh', file, quantization);
  await build(graph);
  await writeFile(path, graph.build());
}
