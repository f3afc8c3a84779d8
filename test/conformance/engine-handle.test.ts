import { cp, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RingmeshError } from '@ringmesh/core';
import {
  type EngineHandle,
  type EngineStats,
  type GenerationEvent,
  type GenerationRequest,
  startEngine,
  type StepMetrics,
} from '@ringmesh/engine';
import { bindingGreedyIds, goldenModels, packedModel } from '@ringmesh/testing';
import { PackLayout, packIdOf, readManifest, sha256Of, writeManifest } from '@ringmesh/weights';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const { dir, prompts } = goldenModels('bailing_moe').find(({ name }) => name === 'ring-tiny')!;
const GREEDY = { temperature: 0, topP: 1, topK: 0, minP: 0, seed: 0, logprobs: -1 };
const IDLE: EngineStats = { running: 0, waiting: 0, kvCacheUsage: 0, kvCacheBytes: 0 };

function requestOf(id: string, overrides: Partial<GenerationRequest> = {}): GenerationRequest {
  return { id, promptIds: prompts[1]!.ids, sampling: GREEDY, maxTokens: 8, stopTokenIds: [], ...overrides };
}

async function collect(events: AsyncIterable<GenerationEvent>): Promise<GenerationEvent[]> {
  const collected: GenerationEvent[] = [];
  for await (const event of events) collected.push(event);
  return collected;
}

function tokensOf(events: GenerationEvent[]): number[] {
  return events.flatMap((event) => (event.type === 'token' ? [event.tokenId] : []));
}

/** Makes the manifest of a pack agree with a file that was damaged. */
async function acceptFile(pack: string, path: string): Promise<void> {
  const { packId: _, ...manifest } = await readManifest(pack);
  const sha256 = await sha256Of(join(pack, path));
  const changed = { ...manifest, files: manifest.files.map((file) => (file.path === path ? { ...file, sha256 } : file)) };
  await writeManifest(pack, { ...changed, packId: packIdOf(changed) });
}

let packDir: string;

beforeAll(async () => {
  packDir = await packedModel(dir);
});

describe('a running engine', () => {
  let engine: EngineHandle;
  let onStats: (stats: EngineStats) => void = () => undefined;
  const steps: StepMetrics[] = [];
  const onFatal = (error: RingmeshError): never => {
    throw error;
  };

  beforeAll(async () => {
    const onStep = (metrics: StepMetrics, stats: EngineStats): void => {
      steps.push(metrics);
      onStats(stats);
    };
    engine = await startEngine({ packDir, workers: 'local', threads: 2, profile: true }, { onStep, onFatal });
    await engine.whenReady();
  });

  afterAll(() => engine.close());

  /** A request that never ends by itself, running; with what ends it. */
  async function running(id: string, signal?: AbortSignal): Promise<AsyncIterator<GenerationEvent>> {
    const events = engine.generate(requestOf(id, { maxTokens: engine.maxModelLen - 10 }), signal)[Symbol.asyncIterator]();
    while ((await events.next()).value?.type !== 'token');
    expect(engine.stats()).toMatchObject({ running: 1 });
    return events;
  }

  async function untilIdle(): Promise<void> {
    // Another request's last step tells: the aborted one takes no part in it.
    await collect(engine.generate(requestOf('probe', { maxTokens: 1 })));
    expect(engine.stats()).toEqual(IDLE);
  }

  it('gives the golden ids to all prompts at once', async () => {
    const generate = async (index: number): Promise<GenerationEvent[]> => {
      const { ids, greedy } = prompts[index]!;
      return collect(engine.generate(requestOf(`golden-${index}`, { promptIds: ids, maxTokens: greedy.ids.length })));
    };
    const generations = await Promise.all(prompts.map((_, index) => generate(index)));
    for (const [index, prompt] of prompts.entries()) {
      const binding = bindingGreedyIds(prompt);
      expect(tokensOf(generations[index]!).slice(0, binding.length)).toEqual(binding);
      expect(generations[index]!.at(-1)).toEqual({ type: 'finished', reason: 'length' });
    }
    expect(engine.stats()).toEqual(IDLE);
    expect(steps.reduce((sum, { numSampled }) => sum + numSampled, 0)).toBe(
      prompts.reduce((sum, { greedy }) => sum + greedy.ids.length, 0),
    );
    expect(new Set(steps.flatMap(({ dispatch }) => dispatch.hosts.map(({ id }) => id)))).toEqual(new Set(['local-0', 'local-1']));
  });

  it('tells where the time of each step went', () => {
    const parts = [
      'schedule',
      'embedding',
      'attention-in',
      'attention',
      'attention-dense',
      'attention-join',
      'gate',
      'dispatch',
      'shared-experts',
    ];
    parts.push('own-experts', 'wait', 'combine', 'mlp-join', 'head', 'sampling');
    for (const { profile, seconds } of steps) {
      expect(new Set(Object.keys(profile!))).toEqual(new Set(parts));
      const sum = Object.values(profile!).reduce((total, part) => total + part, 0);
      expect(sum).toBeGreaterThan(0);
      expect(sum).toBeLessThanOrEqual(seconds);
    }
  });

  it('says that it is ready and who has the experts', () => {
    const { ready, missingShards, details } = engine.readiness();
    expect({ ready, missingShards }).toEqual({ ready: true, missingShards: [] });
    expect(details).toEqual(['model: loaded', expect.stringContaining('local-0: ready'), expect.stringContaining('local-1: ready')]);
    expect(() => engine.setWorkers(['127.0.0.1:1'])).toThrow(expect.objectContaining({ code: 'invalid_option' }));
  });

  it('frees a sequence whose reader leaves', async () => {
    const events = await running('left');
    await events.return!();
    await untilIdle();
  });

  it('frees a sequence whose signal aborts, and tells its reader', async () => {
    const controller = new AbortController();
    const events = await running('aborted', controller.signal);
    controller.abort();
    let last: GenerationEvent | undefined;
    for (let next = await events.next(); next.done !== true; next = await events.next()) last = next.value;
    expect(last).toEqual({ type: 'finished', reason: 'abort' });
    await untilIdle();
    expect(await collect(engine.generate(requestOf('late'), AbortSignal.abort()))).toEqual([{ type: 'finished', reason: 'abort' }]);
  });

  it('takes new requests while others run, in the same steps', async () => {
    const batched = new Promise<void>((resolve) => {
      onStats = ({ running: count }) => {
        if (count >= 2) resolve();
      };
    });
    const first = await running('first');
    const second = collect(engine.generate(requestOf('second', { maxTokens: 30 })));
    await batched;
    expect(tokensOf(await second)).toEqual(prompts[1]!.greedy.ids.slice(0, 30));
    await first.return!();
  });

  it('refuses what would break the step of others, and an id in use', async () => {
    const code = async (overrides: Partial<GenerationRequest>): Promise<unknown> =>
      collect(engine.generate(requestOf('bad', overrides))).catch((error: unknown) => (error as RingmeshError).code);
    const { vocabSize } = engine.manifest.config;
    expect(await code({ promptIds: [] })).toBe('invalid_request');
    expect(await code({ promptIds: [vocabSize] })).toBe('invalid_request');
    expect(await code({ promptIds: [-1] })).toBe('invalid_request');
    expect(await code({ promptIds: [0.5] })).toBe('invalid_request');
    expect(await code({ maxTokens: 0 })).toBe('invalid_request');
    expect(await code({ maxTokens: engine.maxModelLen })).toBe('context_length_exceeded');
    const events = await running('twice');
    expect(await code({ id: 'twice' })).toBe('invalid_request');
    await events.return!();
    await untilIdle();
  });
});

describe('startEngine', () => {
  it('keeps keys and values as it is told, on all threads', async () => {
    const bytes: Record<string, number> = {};
    for (const kvCacheDtype of ['float32', 'int8'] as const) {
      const onStep = (_: StepMetrics, { kvCacheBytes }: EngineStats): void => {
        bytes[kvCacheDtype] = Math.max(bytes[kvCacheDtype] ?? 0, kvCacheBytes);
      };
      const engine = await startEngine({ packDir, workers: 'local', threads: 2, kvCacheDtype }, { onStep, onFatal: () => undefined });
      await engine.whenReady();
      // The tokens that rounding cannot change.
      const sure = prompts.filter(({ greedy }) => greedy.margins[0]! > 0.5);
      expect(sure.length).toBeGreaterThan(2);
      for (const [index, { ids, greedy }] of sure.entries()) {
        const events = await collect(engine.generate(requestOf(`${index}`, { promptIds: ids, maxTokens: 2 })));
        expect(tokensOf(events)[0]).toBe(greedy.ids[0]);
      }
      await engine.close();
    }
    // Heads of 16: 16 bytes and a scale instead of 64 bytes.
    expect(bytes.int8).toBe((bytes.float32! * 20) / 64);
  });

  it('refuses requests while it loads and after it was closed, and fails those under way', async () => {
    const engine = await startEngine({ packDir, workers: 'local', threads: 1 }, { onFatal: () => undefined });
    const generate = (): Promise<GenerationEvent[]> => collect(engine.generate(requestOf('a', { maxTokens: engine.maxModelLen - 10 })));
    expect(engine.readiness().ready).toBe(false);
    await expect(generate()).rejects.toThrow(expect.objectContaining({ code: 'not_ready' }));
    await engine.whenReady();
    const generation = generate();
    await engine.close();
    expect((await generation).at(-1)).toMatchObject({ type: 'failed', error: { code: 'shutting_down' } });
    await expect(generate()).rejects.toThrow(expect.objectContaining({ code: 'shutting_down' }));
    await expect(engine.whenReady()).rejects.toThrow(expect.objectContaining({ code: 'shutting_down' }));
  });

  it('can be closed while it loads', async () => {
    const engine = await startEngine({ packDir, workers: 'local' }, { onFatal: () => undefined });
    await engine.close();
    expect(engine.readiness().ready).toBe(false);
  });

  it('names the shards that no worker has, and fails requests that need them', async () => {
    const workers = ['127.0.0.1:1'];
    const engine = await startEngine({ packDir, workers }, { onFatal: () => undefined });
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const loaded = setInterval(() => {
      if (engine.readiness().details[0] === 'model: loaded') resolve(undefined);
    }, 5);
    await promise;
    clearInterval(loaded);
    expect(engine.readiness()).toMatchObject({ ready: false, missingShards: [...Array(engine.manifest.numShards).keys()] });
    expect(engine.readiness().details[1]).toContain('127.0.0.1:1');
    const [started, failed] = await collect(engine.generate(requestOf('a')));
    expect([started?.type, failed]).toEqual(['started', expect.objectContaining({ type: 'failed' })]);
    expect(failed).toMatchObject({ error: { code: 'shard_unavailable' } });
    expect(engine.stats()).toEqual(IDLE);
    engine.setWorkers([]);
    expect(engine.readiness().details).toEqual(['model: loaded']);
    await engine.close();
  });

  it('refuses a pack with damaged files, and ends with the reason when a graph cannot be opened', async () => {
    const broken = await mkdtemp(join(tmpdir(), 'ringmesh-broken-'));
    await cp(packDir, broken, { recursive: true });
    const head = new PackLayout(broken).routerGraph('head');
    const { size } = await stat(head);
    await writeFile(head, Buffer.alloc(size, 'x'));
    await expect(startEngine({ packDir: broken, workers: 'local' }, { onFatal: () => undefined })).rejects.toThrow(
      expect.objectContaining({ code: 'pack_invalid', message: expect.stringContaining(head) as string }),
    );

    await acceptFile(broken, 'router/head-0.onnx');
    const { promise: fatal, resolve } = Promise.withResolvers<RingmeshError>();
    const engine = await startEngine({ packDir: broken, workers: 'local' }, { onFatal: resolve });
    await expect(engine.whenReady()).rejects.toBe(await fatal);
    expect((await fatal).message).toContain(head);
    expect(engine.readiness()).toMatchObject({ ready: false });
    expect(engine.readiness().details[0]).toContain(head);
    await engine.close();
    await rm(broken, { recursive: true });
  });

  it('refuses options and folders that cannot be served', async () => {
    const start = (options: object): Promise<unknown> =>
      startEngine({ packDir, workers: 'local', ...options }, { onFatal: () => undefined });
    await expect(start({ maxNumSeqs: 0 })).rejects.toThrow(expect.objectContaining({ code: 'invalid_option' }));
    await expect(start({ workers: ['nowhere'] })).rejects.toThrow(expect.objectContaining({ code: 'invalid_option' }));
    await expect(start({ packDir: dir })).rejects.toThrow(expect.objectContaining({ code: 'pack_invalid' }));
  });
});
