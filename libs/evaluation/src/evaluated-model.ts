import { availableParallelism } from 'node:os';
import { Dispatcher } from '@ringmesh/dispatch';
import { channelShapeOf, type KvCacheDtypeChoice, kvCacheDtypeOf } from '@ringmesh/engine';
import { ExpertPool } from '@ringmesh/experts';
import type { KvCacheDtype } from '@ringmesh/kv-cache';
import { cacheLayout, Model } from '@ringmesh/model';
import { Doorbell } from '@ringmesh/protocol';
import { ChatTemplate, Tokenizer } from '@ringmesh/tokenizer';
import { PackLayout, type PackManifest, readManifest } from '@ringmesh/weights';

/** T of a step at most. */
export const MAX_TOKENS = 256;

/** Sequences that run at once at most, when tasks are answered. */
export const MAX_SEQUENCES = 64;

/** Tokens that a sequence of usual length takes; sequences that are longer find room as long as not all are. */
const USUAL_TOKENS = 1024;

/** A model that runs in this process: the router's part on this thread, which it blocks, the experts on threads of their own. */
export class EvaluatedModel {
  private constructor(
    readonly manifest: PackManifest,
    readonly model: Model,
    /** The one that the model uses. */
    readonly dispatcher: Dispatcher,
    readonly tokenizer: Tokenizer,
    readonly chatTemplate: ChatTemplate,
    private readonly pool: ExpertPool,
  ) {}

  /** @throws PackInvalidError, TokenizerInvalidError */
  static async open(packDir: string, choice: KvCacheDtypeChoice = 'auto'): Promise<EvaluatedModel> {
    const manifest = await readManifest(packDir);
    const kvCacheDtype = kvCacheDtypeOf(choice, manifest.quantization);
    const { config, numShards } = manifest;
    const { tokenizer: tokenizerDir } = new PackLayout(packDir);
    const [tokenizer, chatTemplate] = await Promise.all([Tokenizer.load(tokenizerDir), ChatTemplate.load(tokenizerDir)]);
    const clientBell = new Doorbell();
    const shape = channelShapeOf(manifest, MAX_TOKENS);
    const shards = Array.from({ length: numShards }, (_, shard) => shard);
    const pool = await ExpertPool.start({
      packDir,
      manifest,
      shards,
      threads: availableParallelism(),
      channelShape: shape,
      numSlots: 1,
      clientBell,
      // The step that waits for the thread fails by itself, for its channels do.
      onFailure: () => undefined,
    });
    const dispatcher = new Dispatcher({ shape, numLayers: config.numLayers, numSlots: 1, clientBell });
    dispatcher.setHosts(
      1,
      pool.hosts.map((host, index) => ({ id: `thread ${index}`, ...host })),
    );
    try {
      const kvCacheBytes = kvCacheBytesFor(manifest, kvCacheDtype);
      const model = Model.open({ packDir, manifest, dispatcher, kvCacheBytes, kvCacheDtype, maxTokens: MAX_TOKENS });
      return new EvaluatedModel(manifest, model, dispatcher, tokenizer, chatTemplate, pool);
    } catch (error) {
      await pool.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    this.model.close();
    await this.pool.close();
  }
}

/** Room for many usual sequences, and for one of any length. Memory is taken only as it is filled. */
function kvCacheBytesFor({ config }: PackManifest, kvCacheDtype: KvCacheDtype): number {
  const layout = cacheLayout(config, kvCacheDtype);
  const longest = layout.sequenceBytes(config.maxPositionEmbeddings);
  return Math.max(longest, layout.sequenceBytes(Math.min(USUAL_TOKENS, config.maxPositionEmbeddings)) * MAX_SEQUENCES);
}
