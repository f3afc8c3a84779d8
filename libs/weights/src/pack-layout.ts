import { join } from 'node:path';

/** The router's graphs of one layer, all but `mlp-in` one for each part. `mlp` is the shared experts, or the MLP of a dense layer. */
export type LayerGraph = 'attention-in' | 'attention-dense' | 'mlp-in' | 'mlp';

/**
 * Where things lie inside a pack. ONNX Runtime finds external weights only in or below the graph's own folder, so each graph lies beside
 * its weights: `router/` holds what the router maps, `shards/NN/` what a worker that hosts shard NN maps.
 */
export class PackLayout {
  constructor(readonly root: string) {}

  /** Written last: a folder without it is not a pack. */
  get manifest(): string {
    return join(this.root, 'manifest.json');
  }

  /** tokenizer.json, tokenizer_config.json, … as the checkpoint has them. */
  get tokenizer(): string {
    return join(this.root, 'tokenizer');
  }

  get router(): string {
    return join(this.root, 'router');
  }

  /** The graph before the first layer, or a part of the one after the last. */
  routerGraph(name: 'embedding' | 'head', part = 0): string {
    return join(this.router, `${name}-${part}.onnx`);
  }

  /** The weights of {@link routerGraph}: one file for all parts. */
  routerData(name: 'embedding' | 'head'): string {
    return join(this.router, `${name}.bin`);
  }

  layerGraph(layer: number, name: LayerGraph, part = 0): string {
    return join(this.router, `layer-${pad(layer)}-${name}-${part}.onnx`);
  }

  shard(shard: number): string {
    return join(this.root, 'shards', String(shard).padStart(2, '0'));
  }

  /** The graph of one routed expert: `hidden` [T, H] → `output` [T, H], not yet weighted. */
  expertGraph(shard: number, layer: number, expert: number): string {
    return join(this.shard(shard), `layer-${pad(layer)}-expert-${pad(expert)}.onnx`);
  }
}

function pad(index: number): string {
  return String(index).padStart(3, '0');
}
