import { join } from 'node:path';

/** The router's graphs of one layer. */
export type LayerGraph = 'attention-in' | 'attention-out' | 'shared-experts' | 'dense-mlp';

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

  /** cos and sin tables that the graphs of all layers share. */
  get rotaryData(): string {
    return join(this.router, 'rotary.bin');
  }

  /** The graph before the first layer, or the one after the last. */
  routerGraph(name: 'embedding' | 'head'): string {
    return join(this.router, `${name}.onnx`);
  }

  layerGraph(layer: number, name: LayerGraph): string {
    return join(this.router, `layer-${pad(layer)}-${name}.onnx`);
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
