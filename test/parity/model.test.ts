import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Dispatcher } from '@ringmesh/dispatch';
import { channelShapeOf } from '@ringmesh/engine';
import { ExpertPool } from '@ringmesh/experts';
import { CacheView, type KvCacheDtype } from '@ringmesh/kv-cache';
import { Model, type Segment } from '@ringmesh/model';
import { writePack } from '@ringmesh/pack';
import { Doorbell } from '@ringmesh/protocol';
import { bindingGreedyIds, decisions, goldenModels, type GoldenPrompt, type GoldenState, logSoftmax } from '@ringmesh/testing';
import type { PackManifest } from '@ringmesh/weights';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** The model by itself, without processes and text: logits, gate decisions and greedy ids as the authors' own code computes them. */

const MAX_TOKENS = 1024;

class OpenModel {
  private constructor(
    readonly manifest: PackManifest,
    readonly model: Model,
    private readonly pool: ExpertPool,
  ) {}

  static async open(packDir: string, manifest: PackManifest, kvCacheDtype: KvCacheDtype): Promise<OpenModel> {
    const { config, numShards } = manifest;
    const clientBell = new Doorbell();
    const shape = channelShapeOf(manifest, MAX_TOKENS);
    const shards = Array.from({ length: numShards }, (_, shard) => shard);
    const onFailure = (error: Error): never => {
      throw error;
    };
    const pool = await ExpertPool.start({ packDir, manifest, shards, threads: 2, channelShape: shape, clientBell, numSlots: 1, onFailure });
    const dispatcher = new Dispatcher({ shape, numLayers: config.numLayers, numSlots: 1, clientBell });
    dispatcher.setHosts(
      1,
      pool.hosts.map((host, index) => ({ id: `thread ${index}`, ...host })),
    );
    return new OpenModel(
      manifest,
      Model.open({ packDir, manifest, dispatcher, kvCacheBytes: 2 ** 30, kvCacheDtype, maxTokens: MAX_TOKENS }),
      pool,
    );
  }

  async close(): Promise<void> {
    this.model.close();
    await this.pool.close();
  }
}

/** @param state [heads, D, D] */
function expectState(state: Float32Array, golden: GoldenState): void {
  const [heads, , dim] = golden.shape;
  expect(state).toHaveLength(heads * dim ** 2);
  const mean = state.reduce((sum, value) => sum + value, 0) / state.length;
  const variance = state.reduce((sum, value) => sum + (value - mean) ** 2, 0) / state.length;
  const lastHead = ((heads - 1) * dim + 1) * dim;
  const pairs = [
    [mean, golden.mean],
    [Math.sqrt(variance), golden.std],
    ...golden.head0_k0_v8.map((value, i) => [state[i]!, value]),
    ...golden.lasthead_k1_v8.map((value, i) => [state[lastHead + i]!, value]),
  ] as const;
  for (const [value, wanted] of pairs) expect(Math.abs(value - wanted)).toBeLessThan(1e-3 * Math.max(1, Math.abs(wanted)));
}

/** Feeds a prompt in chunks, then the tokens that greedy sampling must give. @returns logits [V] after the prompt, and the ids */
function generate(
  { model, manifest }: OpenModel,
  prompt: GoldenPrompt,
  chunk: number,
  onRouting?: Segment['onRouting'],
): { logits: Float32Array; ids: number[] } {
  const cache = model.caches.open();
  let logits: Float32Array = new Float32Array(0);
  const feed = (ids: number[], wanted: Segment['logits']): void => {
    expect(cache.reserve(ids.length)).toBe(true);
    logits = model.forward([{ cache, tokenIds: Int32Array.from(ids), logits: wanted, ...(onRouting === undefined ? {} : { onRouting }) }]);
  };
  for (let start = 0; start < prompt.ids.length; start += chunk)
    feed(prompt.ids.slice(start, start + chunk), start + chunk >= prompt.ids.length ? 'last' : 'none');
  const afterPrompt = logits.slice(); // [V]
  const wanted = bindingGreedyIds(prompt);
  const ids: number[] = [];
  for (let step = 0; step < wanted.length; step++) {
    ids.push(logits.indexOf(logits.reduce((a, b) => Math.max(a, b))));
    feed([ids.at(-1)!], 'last');
  }
  cache.release();
  expect(afterPrompt.length).toBe(manifest.config.vocabSize);
  return { logits: afterPrompt, ids };
}

/** Feeds a prompt in chunks. @returns logits [V] after it, and the experts of each layer and token: of a token as one text */
function prefill({ model, manifest }: OpenModel, promptIds: number[], chunk: number): { logits: Float32Array; experts: string[] } {
  const cache = model.caches.open();
  const k = manifest.config.numExpertsPerToken;
  const experts: string[][] = []; // [layers][tokens]
  const onRouting: Segment['onRouting'] = (layer, topkIds) => {
    const tokens = Array.from({ length: topkIds.length / k }, (_, token) =>
      Array.from(topkIds.subarray(token * k, (token + 1) * k), Number),
    );
    (experts[layer] ??= []).push(...decisions(tokens).map((ids) => ids.join()));
  };
  let logits: Float32Array = new Float32Array(0);
  for (let start = 0; start < promptIds.length; start += chunk) {
    const tokenIds = Int32Array.from(promptIds.slice(start, start + chunk));
    expect(cache.reserve(tokenIds.length)).toBe(true);
    logits = model.forward([{ cache, tokenIds, logits: 'last', onRouting }]);
  }
  cache.release();
  return { logits: logits.slice(), experts: experts.flat() };
}

describe.each([...goldenModels('bailing_moe'), ...goldenModels('bailing_moe_linear')])('$name', ({ dir, prompts }) => {
  let folder: string;
  let open: OpenModel;
  /** The same, with keys and values as int8. */
  let rounded: OpenModel;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ringmesh-parity-'));
    const packDir = join(folder, 'pack');
    const source = { type: 'checkpoint' as const, dir };
    const manifest = await writePack({ source, packDir, quantization: { method: 'f32' } });
    open = await OpenModel.open(packDir, manifest, 'float32');
    rounded = await OpenModel.open(packDir, manifest, 'int8');
  });

  afterAll(async () => {
    await open.close();
    await rounded.close();
    await rm(folder, { recursive: true });
  });

  it.each([MAX_TOKENS, 17])('gives the golden logits and greedy ids, prefilled in chunks of %i', (chunk) => {
    for (const prompt of prompts) {
      const { logits, ids } = generate(open, prompt, chunk);
      const golden = logSoftmax(prompt.last_logits);
      const worst = logSoftmax(logits).reduce((max, value, id) => Math.max(max, Math.abs(value - golden[id]!)), 0);
      expect(worst).toBeLessThan(1e-3);
      expect(ids).toEqual(bindingGreedyIds(prompt));
    }
  });

  it('gives logits after every token of a chunk, where all are wanted', () => {
    const ids = Int32Array.from(prompts[0]!.ids.slice(0, 12));
    const { model, manifest } = open;
    const [whole, stepped] = [model.caches.open(), model.caches.open()];
    for (const cache of [whole, stepped]) expect(cache.reserve(ids.length)).toBe(true);
    const last: Float32Array[] = [];
    for (const id of ids) last.push(model.forward([{ cache: stepped, tokenIds: Int32Array.of(id), logits: 'last' }]).slice());
    const all = model.forward([{ cache: whole, tokenIds: ids, logits: 'all' }]); // [t, V]
    const { vocabSize } = manifest.config;
    expect(all).toHaveLength(ids.length * vocabSize);
    for (const [row, logits] of last.entries()) {
      const worst = logits.reduce((max, value, id) => Math.max(max, Math.abs(value - all[row * vocabSize + id]!)), 0);
      expect(worst).toBeLessThan(1e-3);
    }
    for (const cache of [whole, stepped]) cache.release();
  });

  it('hardly differs with keys and values as int8, whether tokens come in chunks or one by one', () => {
    expect(rounded.model.caches.layout.bytesPerToken).toBeLessThan(open.model.caches.layout.bytesPerToken / 2);
    const divergences: number[] = []; // [prompts] nats
    let [numAlike, numDecisions, numRerouted] = [0, 0, 0];
    for (const prompt of prompts) {
      const golden = logSoftmax(prompt.last_logits);
      const [whole, ...others] = [MAX_TOKENS, 17, 1].map((chunk) => {
        const { logits, experts } = prefill(rounded, prompt.ids, chunk);
        const found = logSoftmax(logits);
        return { experts, divergence: golden.reduce((sum, value, id) => sum + Math.exp(value) * (value - found[id]!), 0) };
      });
      divergences.push(whole!.divergence);
      for (const { experts, divergence } of others) {
        const moved = experts.filter((ids, index) => ids !== whole!.experts[index]).length;
        numDecisions += experts.length;
        numRerouted += moved;
        if (moved > 0) continue;
        numAlike++;
        // Each attends to what the cache holds.
        expect(Math.abs(divergence - whole!.divergence)).toBeLessThan(0.15 * whole!.divergence + 1e-4);
      }
    }
    // Of random weights, some tokens are so near to another expert that rounding sends them there, or the last bits, which are a processor's own: a
    // prompt's divergence may change by any amount then, and a mean of all would be about these.
    expect(numAlike).toBeGreaterThan(prompts.length / 2); // of twice as many
    expect(numRerouted).toBeLessThan(0.01 * numDecisions);
    const sorted = divergences.sort((x, y) => x - y);
    expect(sorted[Math.floor(sorted.length / 2)]).toBeLessThan(0.005);
  });

  it('has the golden states after a prompt, in one chunk or many', () => {
    const { model, manifest } = open;
    const withStates = prompts.filter(({ linear_state: states }) => states !== undefined);
    expect(withStates.length > 0).toBe(manifest.config.modelType === 'bailing_moe_linear');
    for (const prompt of withStates) {
      for (const chunk of [MAX_TOKENS, 17, 1]) {
        const cache = model.caches.open();
        for (let start = 0; start < prompt.ids.length; start += chunk) {
          const tokenIds = Int32Array.from(prompt.ids.slice(start, start + chunk));
          cache.reserve(tokenIds.length);
          model.forward([{ cache, tokenIds, logits: 'none' }]);
        }
        const view = new CacheView(model.caches.layout, model.caches.memory, cache.memory);
        for (const [layer, golden] of Object.entries(prompt.linear_state!)) expectState(view.state(Number(layer)), golden);
        cache.release();
      }
    }
  });

  it('computes a step that failed half-way again, to the same bits', () => {
    const { model } = open;
    const [first, second] = [prompts.at(-1)!.ids.slice(0, 9), prompts.at(-1)!.ids.slice(9)];
    const run = (failures: number): Float32Array[] => {
      const cache = model.caches.open();
      const logits = [first, second, [1], [2]].map((ids) => {
        expect(cache.reserve(ids.length)).toBe(true);
        const segment = { cache, tokenIds: Int32Array.from(ids), logits: 'last' as const };
        const onRouting: Segment['onRouting'] = (layer) => {
          if (layer === open.manifest.config.numLayers - 1) throw new Error('half-way');
        };
        for (let failure = 0; failure < failures; failure++) expect(() => model.forward([{ ...segment, onRouting }])).toThrow('half-way');
        return model.forward([segment]).slice(); // [V]
      });
      cache.release();
      return logits;
    };
    expect(run(2)).toEqual(run(0));
  });

  it('routes every token to the golden experts', () => {
    const k = open.manifest.config.numExpertsPerToken;
    const routed = prompts.filter((prompt) => prompt.router !== undefined);
    expect(routed.length).toBeGreaterThan(0);
    for (const prompt of routed) {
      const seen: Record<string, { ids: number[][]; weights: number[][] }> = {};
      generate(open, { ...prompt, greedy: { ...prompt.greedy, ids: [], margins: [] } }, MAX_TOKENS, (layer, topkIds, topkWeights) => {
        const rows = Array.from({ length: topkIds.length / k }, (_, row) => row * k);
        seen[layer] = {
          ids: rows.map((row) => Array.from(topkIds.subarray(row, row + k), Number)),
          weights: rows.map((row) => Array.from(topkWeights.subarray(row, row + k))),
        };
      });
      for (const [layer, golden] of Object.entries(prompt.router!)) {
        expect(decisions(seen[layer]!.ids)).toEqual(decisions(golden.ids));
        const error = seen[layer]!.weights.flat().map((weight, i) => Math.abs(weight - golden.weights.flat()[i]!));
        expect(Math.max(...error)).toBeLessThan(1e-4);
      }
    }
  });
});
