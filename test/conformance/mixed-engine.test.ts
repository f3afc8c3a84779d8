import { EngineFailedError, type RingmeshError } from '@ringmesh/core';
import { type EngineHandle, type GenerationEvent, startEngine, type StepMetrics } from '@ringmesh/engine';
import { bindingGreedyIds, goldenModels, packedModel } from '@ringmesh/testing';
import { readManifest } from '@ringmesh/weights';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startWorkerProcess, type WorkerProcess } from './worker-process.js';

const { dir, prompts } = goldenModels('bailing_moe').find(({ name }) => name === 'ring-tiny')!;
const GREEDY = { temperature: 0, topP: 1, topK: 0, minP: 0, seed: 0, logprobs: -1 };
const MAX_TOKENS = 40;
const prompt = prompts[1]!;
const golden = bindingGreedyIds(prompt).slice(0, MAX_TOKENS);

describe('an engine with experts of its own and experts of workers', () => {
  let engine: EngineHandle;
  let workers: WorkerProcess[];
  let localShards: number[];
  let otherShards: number[];
  let asked: Set<string>;
  let onReadiness: () => void = () => undefined;

  /** The first half of the shards is in this process and on the first worker, the rest on the second worker. */
  beforeEach(async () => {
    const pack = await packedModel(dir);
    const shards = Array.from({ length: (await readManifest(pack)).numShards }, (_, shard) => shard);
    localShards = shards.slice(0, shards.length / 2);
    otherShards = shards.slice(shards.length / 2);
    workers = await Promise.all([localShards, otherShards].map((each) => startWorkerProcess({ pack, shards: each.join(',') })));
    asked = new Set();
    const onStep = ({ dispatch }: StepMetrics): void => {
      for (const { id, requests } of dispatch.hosts) if (requests > 0) asked.add(id);
    };
    const onFatal = (error: RingmeshError): never => {
      throw new EngineFailedError(error.message);
    };
    const addresses = workers.map(({ address }) => address);
    const options = { packDir: pack, workers: addresses, localShards, threads: 2 };
    engine = await startEngine(options, { onStep, onFatal, onWorkers: () => onReadiness() });
    await engine.whenReady();
    await until(() => addresses.every((address) => engine.readiness().details.some((line) => line.startsWith(`worker ${address}: ready`))));
  });

  afterEach(async () => {
    await engine.close();
    for (const worker of workers) worker.kill('SIGKILL');
    await Promise.all(workers.map(({ ended }) => ended));
  });

  async function until(isReached: () => boolean): Promise<void> {
    while (!isReached()) await new Promise<void>((resolve) => (onReadiness = resolve));
  }

  /** @param onToken called after each token */
  async function generate(onToken: (index: number) => void = () => undefined): Promise<GenerationEvent[]> {
    const request = { id: 'a', promptIds: prompt.ids, sampling: GREEDY, maxTokens: golden.length, stopTokenIds: [] };
    const events: GenerationEvent[] = [];
    for await (const event of engine.generate(request)) {
      events.push(event);
      if (event.type === 'token') onToken(events.length);
    }
    return events;
  }

  const tokensOf = (events: GenerationEvent[]): number[] => events.flatMap((event) => (event.type === 'token' ? [event.tokenId] : []));

  it('asks all of them, and says who has what', async () => {
    expect(tokensOf(await generate())).toEqual(golden);
    const hosts = ['local-0', 'local-1', ...workers.map(({ address }) => address)];
    expect(asked).toEqual(new Set(hosts));
    expect(engine.workers().map(({ address, state }) => ({ address, state }))).toEqual(
      hosts.map((address) => ({ address, state: 'ready' })),
    );
    const { ready, details } = engine.readiness();
    expect(ready).toBe(true);
    expect(details[0]).toBe('model: loaded');
    expect(details.slice(1).map((line) => /^worker (\S+): ready, shards/.exec(line)?.[1])).toEqual(hosts);
  });

  it('answers itself for a worker that dies, and fails by name what it does not have', async () => {
    const events = await generate((index) => {
      if (index === 5) workers[0]!.kill('SIGKILL');
    });
    expect(tokensOf(events)).toEqual(golden);
    await until(() => engine.readiness().details.some((line) => line.startsWith(`worker ${workers[0]!.address}: unreachable`)));
    expect(engine.readiness()).toMatchObject({ ready: true, missingShards: [] });
    expect(tokensOf(await generate())).toEqual(golden);

    workers[1]!.kill('SIGKILL');
    await until(() => !engine.readiness().ready);
    expect(engine.readiness().missingShards).toEqual(otherShards);
    expect((await generate()).at(-1)).toMatchObject({ type: 'failed', error: { code: 'shard_unavailable' } });
  });

  it('gets other workers while it runs, and keeps its own experts', async () => {
    engine.setWorkers([workers[1]!.address]);
    expect(engine.workers().map(({ address }) => address)).toEqual(['local-0', 'local-1', workers[1]!.address]);
    expect(tokensOf(await generate())).toEqual(golden);
    expect(asked).not.toContain(workers[0]!.address);
    engine.setWorkers([]);
    expect(engine.readiness()).toMatchObject({ ready: false, missingShards: otherShards });
  });
});
