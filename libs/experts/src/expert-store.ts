import { InvalidRequestError, PackInvalidError, ShardUnavailableError } from '@ringmesh/core';
import { float32, Session } from '@ringmesh/onnx';
import { PartialLayout, ShardRule } from '@ringmesh/placement';
import type { ExpertBatch } from '@ringmesh/protocol';
import { addScaled } from '@ringmesh/tensor';
import { type ModelConfig, PackLayout, type PackManifest } from '@ringmesh/weights';
import { checkBatch } from './check-batch.js';

export interface ExpertStoreOptions {
  packDir: string;
  manifest: PackManifest;
  shards: number[];
  /** T of a batch at most. */
  maxTokens: number;
  /** Called after each of {@link countSessions} sessions that was opened. */
  onProgress?: () => void;
}

/** Sessions of a store: one for each expert of each layer that has experts. */
export function countSessions({ config, numShards }: PackManifest, shards: number[]): number {
  const rule = new ShardRule(config.numExperts, numShards);
  const experts = shards.reduce((sum, shard) => sum + rule.expertsOf(shard).length, 0);
  return experts * (config.numLayers - config.firstKDenseReplace);
}

/** The routed experts of some shards, all layers, ready to compute. Everything here blocks, so a store belongs on a compute thread. */
export class ExpertStore {
  private readonly config: ModelConfig;
  private readonly sessions = new Map<number, Session>();
  private readonly layout: PartialLayout;
  /** Rows of one expert, side by side. */
  private readonly gathered: Float32Array; // [maxTokens, H]

  private constructor(private readonly options: ExpertStoreOptions) {
    const { manifest, maxTokens } = options;
    this.config = manifest.config;
    const rule = new ShardRule(this.config.numExperts, manifest.numShards);
    this.layout = new PartialLayout(rule, maxTokens, this.config.numExpertsPerToken);
    this.gathered = new Float32Array(maxTokens * this.config.hiddenSize);
    this.openSessions(rule);
  }

  /**
   * Opens a session for every expert of the shards.
   * @throws PackInvalidError where a graph is missing or broken
   */
  static open(options: ExpertStoreOptions): ExpertStore {
    return new ExpertStore(options);
  }

  /**
   * Computes a batch: for each shard with rows, the sum over its experts (ascending) of weight × expert(row). The bits of a shard's partial
   * sums depend on that shard's rows and weights alone: each expert runs on exactly its rows, and adds to its own shard's sums only.
   * @param partials [≥ P, H], overwritten @returns P
   * @throws InvalidRequestError where the batch is malformed @throws ShardUnavailableError where an expert is not in this store
   */
  forward(batch: ExpertBatch, partials: Float32Array): number {
    checkBatch(batch, this.config, this.options.maxTokens);
    if (batch.nodes.length > 0) throw new InvalidRequestError('ExpertBatch.nodes: a compute thread adds no shards up', { field: 'nodes' });
    const { hiddenSize } = this.config;
    const { layout } = this;
    layout.update(batch);
    partials.fill(0, 0, layout.numPartials * hiddenSize); // [P, H]
    let start = 0;
    for (let index = 0; index < batch.experts.length; index++) {
      const session = this.session(batch.layer, batch.experts[index]!);
      const end = start + batch.counts[index]!;
      const rows = this.gather(batch, start, end); // [n, H]
      const { output } = session.run({ hidden: float32(rows, [end - start, hiddenSize]) });
      const outputs = output!.data as Float32Array; // [n, H]
      for (let r = start; r < end; r++) {
        addScaled(partials, layout.targets[r]! * hiddenSize, outputs, (r - start) * hiddenSize, hiddenSize, batch.weights[r]!); // [H]
      }
      start = end;
    }
    return layout.numPartials;
  }

  close(): void {
    for (const session of this.sessions.values()) session.close();
    this.sessions.clear();
  }

  private openSessions(rule: ShardRule): void {
    const { packDir, shards, onProgress } = this.options;
    const { firstKDenseReplace, numLayers } = this.config;
    const layout = new PackLayout(packDir);
    for (let layer = firstKDenseReplace; layer < numLayers; layer++) {
      for (const shard of shards) {
        for (const expert of rule.expertsOf(shard)) {
          this.sessions.set(this.key(layer, expert), openExpert(layout.expertGraph(shard, layer, expert)));
          onProgress?.();
        }
      }
    }
  }

  private session(layer: number, expert: number): Session {
    const session = this.sessions.get(this.key(layer, expert));
    if (session !== undefined) return session;
    throw new ShardUnavailableError(`Expert ${expert} is not hosted here, only those of shard ${this.options.shards.join(', ')}`);
  }

  private key(layer: number, expert: number): number {
    return layer * this.config.numExperts + expert;
  }

  /** The hidden states of one expert's rows [n, H]: a view where the rows follow one another, else a copy. */
  private gather({ hidden, rows }: ExpertBatch, start: number, end: number): Float32Array {
    const { hiddenSize } = this.config;
    const first = rows[start]!;
    const last = rows[end - 1]!;
    if (last - first === end - 1 - start) return hidden.subarray(first * hiddenSize, (last + 1) * hiddenSize);
    for (let r = start; r < end; r++) {
      const from = rows[r]! * hiddenSize;
      this.gathered.set(hidden.subarray(from, from + hiddenSize), (r - start) * hiddenSize);
    }
    return this.gathered.subarray(0, (end - start) * hiddenSize);
  }
}

function openExpert(path: string): Session {
  try {
    return Session.open(path, ['output']);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new PackInvalidError(`${path} cannot be opened; pack the checkpoint again with \`ringmesh pack\` (${reason})`, {
      field: path,
      cause,
    });
  }
}
