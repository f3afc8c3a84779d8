import { ExpertPool } from '@ringmesh/experts';
import { Dispatcher, type ExpertHost } from '@ringmesh/dispatch';
import { BLOCK_TOKENS } from '@ringmesh/kv-cache';
import { cacheLayout, Model } from '@ringmesh/model';
import { Doorbell } from '@ringmesh/protocol';
import { bindingGreedyIds, goldenModels, type GoldenPrompt, logSoftmax, packedModel } from '@ringmesh/testing';
import { type PackManifest, readManifest } from '@ringmesh/weights';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Engine } from './engine.js';
import type { GenerationRequest, PromptLogprobs, SamplingParams, ThoughtLimit } from './generation.js';
import { channelShapeOf } from './channel-shape.js';
import type { SpeculationMode } from './speculation/speculation.js';
import type { RequestEvent, SpeculationStats, StepReport } from './step-report.js';

const GREEDY: SamplingParams = { temperature: 0, topP: 1, topK: 0, minP: 0, seed: 0, logprobs: -1 };
const RANDOM: SamplingParams = { ...GREEDY, temperature: 1, topP: 0.9 };
const MAX_BATCHED_TOKENS = 512;
const MAX_DRAFTS = 5;

/** Both kinds of what a sequence keeps: rows that grow with its tokens, and states beside them. */
const MODELS = [...goldenModels('bailing_moe'), ...goldenModels('bailing_moe_linear')].filter(({ name }) =>
  ['ring-tiny', 'ring-tiny-linear'].includes(name),
);

let prompts: GoldenPrompt[];
let packDir: string;
let manifest: PackManifest;
let experts: ExpertPool;
let dispatcher: Dispatcher;
let hosts: ExpertHost[];
let epoch = 0;

/** The engine's clock where a test sets it. */
interface Clock {
  seconds: number;
}

interface EngineLimits {
  maxNumBatchedTokens?: number;
  maxNumSeqs?: number;
  kvCacheTokens?: number;
  prefixCaching?: boolean;
  deterministic?: boolean;
  speculation?: SpeculationMode;
  clock?: Clock;
}

function newEngine({
  maxNumBatchedTokens = MAX_BATCHED_TOKENS,
  maxNumSeqs = 16,
  kvCacheTokens = 1 << 14,
  prefixCaching = true,
  deterministic = false,
  speculation = 'off',
  clock,
}: EngineLimits = {}): Engine {
  dispatcher.setHosts(++epoch, hosts);
  const numDrafts = speculation === 'off' ? 0 : MAX_DRAFTS;
  const layout = cacheLayout(manifest.config, 'float32', numDrafts);
  // States of a sequence for each 112 tokens: fewer than may run, where tokens are scarce.
  const kvCacheBytes = layout.bytesFor(kvCacheTokens) + Math.floor(kvCacheTokens / 112) * layout.stateBytes;
  const model = Model.open({
    packDir,
    manifest,
    dispatcher,
    kvCacheBytes,
    kvCacheDtype: 'float32',
    maxTokens: MAX_BATCHED_TOKENS,
    numDrafts,
  });
  const { vocabSize } = manifest.config;
  const limits = { maxNumBatchedTokens, maxNumSeqs, granularity: deterministic ? BLOCK_TOKENS : 1 };
  const now = (): number => clock?.seconds ?? performance.now() / 1000;
  const lookup = { minTokens: 1, maxTokens: 3 };
  const drafts = speculation === 'off' ? null : { mode: speculation, numTokens: MAX_DRAFTS, lookup };
  return new Engine({ model, dispatcher, vocabSize, limits, prefixCaching, deterministic, speculation: drafts, now });
}

function requestOf(prompt: GoldenPrompt, id: string, overrides: Partial<GenerationRequest> = {}): GenerationRequest {
  return { id, promptIds: prompt.ids, sampling: GREEDY, maxTokens: prompt.greedy.ids.length, stopTokenIds: [], ...overrides };
}

/** Steps until nothing is left. */
function finish(engine: Engine): StepReport[] {
  const reports: StepReport[] = [];
  while (engine.hasWork) reports.push(engine.step());
  return reports;
}

function eventsOf(reports: StepReport[], id: string): RequestEvent['event'][] {
  return reports.flatMap(({ events }) => events.filter((event) => event.id === id).map(({ event }) => event));
}

function startOf(reports: StepReport[], id: string): Extract<RequestEvent['event'], { type: 'started' }> {
  const event = eventsOf(reports, id)[0];
  if (event?.type !== 'started') throw new Error(`${id} did not start`);
  return event;
}

function tokensOf(reports: StepReport[], id: string): number[] {
  return eventsOf(reports, id).flatMap((event) => (event.type === 'token' ? [event.tokenId] : []));
}

function speculationOf(reports: StepReport[]): SpeculationStats {
  const total = { numDrafts: 0, numDraftTokens: 0, numAcceptedTokens: 0 };
  for (const { metrics } of reports) {
    for (const name of ['numDrafts', 'numDraftTokens', 'numAcceptedTokens'] as const) total[name] += metrics!.speculation[name];
  }
  return total;
}

/** Every prompt at once, each of which must give its golden ids. */
function expectGoldenIds(engine: Engine): StepReport[] {
  for (const [index, prompt] of prompts.entries()) engine.submit(requestOf(prompt, `${index}`), 0);
  const reports = finish(engine);
  for (const [index, prompt] of prompts.entries()) {
    const binding = bindingGreedyIds(prompt);
    expect(tokensOf(reports, `${index}`).slice(0, binding.length)).toEqual(binding);
    expect(eventsOf(reports, `${index}`).at(-1)).toEqual({ type: 'finished', reason: 'length' });
  }
  expect(reports.at(-1)!.stats).toEqual({ running: 0, waiting: 0, kvCacheUsage: 0, kvCacheBytes: 0 });
  return reports;
}

describe.each(MODELS)('Engine with $name', ({ dir, prompts: goldenPrompts }) => {
  beforeAll(async () => {
    prompts = goldenPrompts;
    packDir = await packedModel(dir);
    manifest = await readManifest(packDir);
    const clientBell = new Doorbell();
    const channelShape = channelShapeOf(manifest, MAX_BATCHED_TOKENS);
    const shards = Array.from({ length: manifest.numShards }, (_, shard) => shard);
    const onFailure = (error: Error): never => {
      throw error;
    };
    experts = await ExpertPool.start({ packDir, manifest, shards, threads: 2, channelShape, numSlots: 1, clientBell, onFailure });
    hosts = experts.hosts.map((host, index) => ({ ...host, id: `local-${index}` }));
    dispatcher = new Dispatcher({ shape: channelShape, numLayers: manifest.config.numLayers, numSlots: 1, clientBell });
  });

  afterAll(() => experts.close());

  it('gives the golden ids to all prompts at once', () => {
    const reports = expectGoldenIds(newEngine());
    const sampled = reports.reduce((sum, { metrics }) => sum + metrics!.numSampled, 0);
    expect(sampled).toBe(prompts.reduce((sum, { greedy }) => sum + greedy.ids.length, 0));
  });

  it('gives them when prompts are cut into chunks and have to queue', () => {
    const reports = expectGoldenIds(newEngine({ maxNumBatchedTokens: 11, maxNumSeqs: 3 }));
    expect(Math.max(...reports.map(({ metrics }) => metrics!.numTokens))).toBe(11);
    expect(Math.max(...reports.map(({ stats }) => stats.running))).toBe(3);
    expect(Math.max(...reports.map(({ stats }) => stats.waiting))).toBeGreaterThan(3);
  });

  it('gives them when sequences are preempted and computed again', () => {
    const reports = expectGoldenIds(newEngine({ kvCacheTokens: 448 }));
    expect(reports.reduce((sum, { metrics }) => sum + metrics!.preemptions, 0)).toBeGreaterThan(0);
    expect(Math.max(...reports.map(({ stats }) => stats.kvCacheUsage))).toBeLessThanOrEqual(1);
  });

  it('gives them when tokens are guessed, whatever else there is', () => {
    const limits: EngineLimits[] = [{}, { maxNumBatchedTokens: 11, maxNumSeqs: 3 }, { kvCacheTokens: 448 }, { prefixCaching: false }];
    for (const each of limits) {
      const engine = newEngine({ ...each, speculation: 'always' });
      for (let time = 0; time < 2; time++) {
        const reports = expectGoldenIds(engine);
        const { numDraftTokens, numAcceptedTokens } = speculationOf(reports);
        expect(numAcceptedTokens).toBeGreaterThan(0);
        expect(numDraftTokens).toBeGreaterThan(numAcceptedTokens);
        const { maxNumBatchedTokens = MAX_BATCHED_TOKENS } = each;
        for (const { metrics } of reports) expect(metrics!.numTokens).toBeLessThanOrEqual(maxNumBatchedTokens);
        if (each.kvCacheTokens !== undefined) expect(reports.some(({ metrics }) => metrics!.preemptions > 0)).toBe(true);
      }
    }
  });

  it('draws the same tokens, and ends with the same one, whether tokens are guessed or not', () => {
    const run = (speculation: SpeculationMode): { told: unknown[]; reports: StepReport[] } => {
      const engine = newEngine({ speculation });
      for (const [index, prompt] of prompts.entries()) {
        const promptIds = [...prompt.ids, ...prompt.ids].slice(-150);
        const sampling = { ...RANDOM, temperature: index % 2, seed: index, logprobs: index % 3 };
        const stopTokenIds = index % 4 === 0 ? prompt.greedy.ids.slice(5, 9) : [];
        const thoughtLimit = { startsInside: true, maxFreeTokens: 7, closingTokenIds: [7, 6, 8], tagTexts: new Map([[6, '</think>']]) };
        const ends = { stopTokenIds, maxTokens: 30 + index, ...(index % 5 === 0 ? { thoughtLimit } : {}) };
        engine.submit(requestOf(prompt, `${index}`, { promptIds, sampling, ...ends }), 0);
      }
      const reports = finish(engine);
      const told = prompts.map((_, index) =>
        eventsOf(reports, `${index}`).map((event) => {
          if (event.type === 'token') return { tokenId: event.tokenId, alternatives: event.topLogprobs?.map(({ tokenId }) => tokenId) };
          return event.type === 'finished' ? event.reason : event.type;
        }),
      );
      return { told, reports };
    };
    const plain = run('off');
    const drafted = run('always');
    expect(speculationOf(plain.reports)).toEqual({ numDrafts: 0, numDraftTokens: 0, numAcceptedTokens: 0 });
    expect(speculationOf(drafted.reports).numAcceptedTokens).toBeGreaterThan(0);
    expect(drafted.told).toEqual(plain.told);
  });

  it('guesses nothing where experts are to be reported, and else where it is measured to cost nothing', () => {
    const clock = { seconds: 0 };
    const engine = newEngine({ speculation: 'auto', clock });
    const submit = (id: string, overrides: Partial<GenerationRequest> = {}): void =>
      engine.submit(
        requestOf(prompts[1]!, id, { promptIds: Array.from({ length: 60 }, (_, index) => index % 6), maxTokens: 60, ...overrides }),
        0,
      );
    submit('experts', { returnRoutedExperts: true });
    expect(speculationOf(finish(engine)).numDrafts).toBe(0);
    // A clock that does not move: tokens of a step cost nothing.
    submit('free');
    expect(speculationOf(finish(engine)).numDrafts).toBeGreaterThan(5);
  });

  it('gives them when what they have in common with earlier requests is not computed again', () => {
    for (const limits of [{}, { kvCacheTokens: 448 }, { maxNumBatchedTokens: 100, maxNumSeqs: 3 }]) {
      const engine = newEngine(limits);
      const cached = [1, 2].map(() => {
        const reports = expectGoldenIds(engine);
        return prompts.map((_, index) => startOf(reports, `${index}`).cachedTokens);
      });
      const blocks = prompts.map(({ ids }) => Math.floor((ids.length - 1) / 64) * 64);
      expect(cached[0]).toEqual(prompts.map(() => 0));
      // Where memory is short, what was kept had to go.
      if (limits.kvCacheTokens === undefined) expect(cached[1]).toEqual(blocks);
    }
  });

  it('goes on with a conversation where it ended, and shares nothing across salts and keys, nor where experts are to be reported', () => {
    const engine = newEngine();
    const prompt = prompts.find(({ ids }) => ids.length > 192)!;
    engine.submit(requestOf(prompt, 'first', { cacheSalt: 'a' }), 0);
    const answer = tokensOf(finish(engine), 'first');
    const next = { ...prompt, ids: [...prompt.ids, ...answer, ...prompt.ids.slice(0, 9)] };
    const asked: [string, Partial<GenerationRequest>][] = [
      ['other salt', { cacheSalt: 'b' }],
      ['no salt', {}],
      ['other key', { cacheSalt: 'a', apiKeyName: 'k' }],
      ['experts', { cacheSalt: 'a', returnRoutedExperts: true }],
      ['same salt', { cacheSalt: 'a' }],
    ];
    const found = asked.map(([id, overrides]) => {
      engine.submit(requestOf(next, id, { ...overrides, maxTokens: 8 }), 0);
      const reports = finish(engine);
      return { cached: startOf(reports, id).cachedTokens, tokens: tokensOf(reports, id) };
    });
    expect(found.map(({ cached }) => cached)).toEqual([0, 0, 0, 0, Math.floor((prompt.ids.length + answer.length - 1) / 64) * 64]);
    for (const { tokens } of found) expect(tokens).toEqual(found[0]!.tokens);
  });

  it('computes everything where it is told to', () => {
    const engine = newEngine({ prefixCaching: false });
    expectGoldenIds(engine);
    const reports = expectGoldenIds(engine);
    expect(prompts.map((_, index) => startOf(reports, `${index}`).cachedTokens)).toEqual(prompts.map(() => 0));
  });

  it('draws the same tokens for a seed alone and among others', () => {
    const engine = newEngine();
    const request = requestOf(prompts[3]!, 'a', { sampling: { ...RANDOM, seed: 11 }, maxTokens: 20 });
    engine.submit(request, 0);
    const alone = tokensOf(finish(engine), 'a');
    for (const [index, prompt] of prompts.entries()) {
      engine.submit(requestOf(prompt, `${index}`, { sampling: { ...RANDOM, seed: index }, maxTokens: 15 }), 0);
    }
    engine.submit(request, 0);
    engine.submit({ ...request, id: 'b', sampling: { ...RANDOM, seed: 12 } }, 0);
    const reports = finish(engine);
    expect(tokensOf(reports, 'a')).toEqual(alone);
    expect(tokensOf(reports, 'b')).not.toEqual(alone);
  });

  it('gives the same bits whatever else there is or was, where it is told to', () => {
    // Short of a block, so that memory runs out while they grow; whole blocks; and little more.
    const requests = [57, 118, 179, 57, 128, 65, 250, 61].map((length, index) =>
      requestOf(prompts[index]!, `${index}`, {
        promptIds: Array.from({ length }, (_, position) => prompts[index]!.ids[position % prompts[index]!.ids.length]!),
        sampling: { ...(index % 3 === 0 ? GREEDY : RANDOM), seed: index, logprobs: 3 },
        maxTokens: 20 + index,
        ...(index % 5 === 1 ? { promptLogprobs: 1 } : {}),
      }),
    );
    const run = (engine: Engine, which: GenerationRequest[]): { told: unknown[]; cached: number; preemptions: number } => {
      for (const request of which) engine.submit(request, 0);
      const reports = finish(engine);
      return {
        told: which.map(({ id }) => eventsOf(reports, id).filter(({ type }) => type === 'token')),
        cached: which.reduce((sum, { id }) => sum + startOf(reports, id).cachedTokens, 0),
        preemptions: reports.reduce((sum, { metrics }) => sum + metrics!.preemptions, 0),
      };
    };
    const served = newEngine({ deterministic: true });
    const single = newEngine({ deterministic: true, prefixCaching: false });
    const alone = requests.flatMap((request) => run(single, [request]).told);
    expect(alone.map((told) => (told as unknown[]).length)).toEqual(requests.map(({ maxTokens }) => maxTokens));
    expect(run(served, requests)).toEqual({ told: alone, cached: 0, preemptions: 0 });
    const again = run(served, requests.toReversed());
    expect(again.told).toEqual(alone.toReversed());
    expect(again.cached).toBeGreaterThan(0);
    for (const limits of [{ kvCacheTokens: 448 }, { maxNumBatchedTokens: 66, maxNumSeqs: 3 }]) {
      const { told, preemptions } = run(newEngine({ ...limits, deterministic: true }), requests);
      expect(told).toEqual(alone);
      if (limits.kvCacheTokens !== undefined) expect(preemptions).toBeGreaterThan(0);
    }
  });

  it('shares prompts and no answers, where bits are to be the same', () => {
    const engine = newEngine({ deterministic: true });
    const first = { ...prompts[1]!, ids: Array.from({ length: 70 }, (_, index) => index % 9) };
    engine.submit(requestOf(first, 'first', { maxTokens: 70 }), 0);
    const answer = tokensOf(finish(engine), 'first');
    const next = requestOf({ ...first, ids: [...first.ids, ...answer, 1, 2] }, 'next', {
      maxTokens: 9,
      sampling: { ...GREEDY, logprobs: 1 },
    });
    const found = [engine, engine, newEngine({ deterministic: true })].map((each) => {
      each.submit(next, 0);
      const reports = finish(each);
      return { cached: startOf(reports, 'next').cachedTokens, told: eventsOf(reports, 'next').slice(1) };
    });
    expect(found.map(({ cached }) => cached)).toEqual([64, 128, 0]);
    for (const { told } of found) expect(told).toEqual(found[2]!.told);
  });

  it('reports log probabilities of the model', () => {
    const engine = newEngine();
    const prompt = prompts[2]!;
    engine.submit(requestOf(prompt, 'a', { sampling: { ...GREEDY, logprobs: 5 }, maxTokens: 1 }), 0);
    const event = eventsOf(finish(engine), 'a').find(({ type }) => type === 'token');
    const logprobs = logSoftmax(prompt.last_logits);
    if (event?.type !== 'token') throw new Error('no token came');
    expect(event.logprob).toBeCloseTo(logprobs[event.tokenId]!, 3);
    expect(event.topLogprobs).toHaveLength(5);
    for (const { tokenId, logprob } of event.topLogprobs!) expect(Math.abs(logprob - logprobs[tokenId]!)).toBeLessThan(1e-3);
  });

  it('scores the prompt with its first token, whole or in chunks, preempted or not', () => {
    const prompt = prompts[3]!;
    const scoresOf = (engine: Engine, ids: number[]): PromptLogprobs => {
      engine.submit(requestOf(prompt, 'a', { promptIds: ids, promptLogprobs: 3, maxTokens: 2 }), 0);
      const tokens = eventsOf(finish(engine), 'a').flatMap((event) => (event.type === 'token' ? [event] : []));
      expect(tokens[1]!.promptLogprobs).toBeUndefined();
      return tokens[0]!.promptLogprobs!;
    };
    const whole = scoresOf(newEngine(), prompt.ids);
    expect(whole).toHaveLength(prompt.ids.length);
    expect(whole[0]).toBeNull();
    expect(whole.slice(1).map((score) => score!.tokenId)).toEqual(prompt.ids.slice(1));
    const chunked = scoresOf(newEngine({ maxNumBatchedTokens: 11 }), prompt.ids);
    for (const [index, score] of whole.entries()) {
      if (score === null) continue;
      expect(chunked[index]!.logprob).toBeCloseTo(score.logprob, 3);
      expect(score.topLogprobs).toHaveLength(3);
    }
    // What a token of the answer had is what it has as one of a prompt.
    const engine = newEngine();
    engine.submit(requestOf(prompt, 'b', { sampling: { ...GREEDY, logprobs: 0 }, maxTokens: 5 }), 0);
    const answer = eventsOf(finish(engine), 'b').flatMap((event) => (event.type === 'token' ? [event] : []));
    const again = scoresOf(engine, [...prompt.ids, ...answer.map(({ tokenId }) => tokenId)]).slice(prompt.ids.length);
    for (const [index, score] of again.entries()) {
      expect(score).toMatchObject({ tokenId: answer[index]!.tokenId, rank: 1 });
      expect(score!.logprob).toBeCloseTo(answer[index]!.logprob!, 3);
    }
  });

  it('tells of a request in order, and ends it with the stop token or at maxTokens', () => {
    const engine = newEngine();
    const prompt = prompts[1]!;
    const stop = prompt.greedy.ids[3]!;
    const firstStop = prompt.greedy.ids.indexOf(stop);
    engine.submit(requestOf(prompt, 'stop', { stopTokenIds: [stop] }), 0);
    engine.submit(requestOf(prompt, 'length', { maxTokens: 2 }), 0);
    const reports = finish(engine);
    expect(eventsOf(reports, 'stop').map(({ type }) => type)).toEqual([
      'started',
      ...Array<string>(firstStop + 1).fill('token'),
      'finished',
    ]);
    expect(tokensOf(reports, 'stop')).toEqual(prompt.greedy.ids.slice(0, firstStop + 1));
    expect(eventsOf(reports, 'stop').at(-1)).toEqual({ type: 'finished', reason: 'stop' });
    expect(tokensOf(reports, 'length')).toEqual(prompt.greedy.ids.slice(0, 2));
    expect(eventsOf(reports, 'length').at(-1)).toEqual({ type: 'finished', reason: 'length' });
  });

  it('closes thoughts that have used up their budget, of many requests, preempted or not', () => {
    const limitOf = (index: number): ThoughtLimit => ({
      startsInside: true,
      maxFreeTokens: index % 4,
      closingTokenIds: [7, 6, 8],
      tagTexts: new Map([[6, '</think>']]),
    });
    const run = (limits: EngineLimits): { tokens: number[][]; preemptions: number } => {
      const engine = newEngine(limits);
      for (const [index, prompt] of prompts.entries()) engine.submit(requestOf(prompt, `${index}`, { thoughtLimit: limitOf(index) }), 0);
      const reports = finish(engine);
      return {
        tokens: prompts.map((_, index) => tokensOf(reports, `${index}`)),
        preemptions: reports.reduce((sum, { metrics }) => sum + metrics!.preemptions, 0),
      };
    };
    const { tokens } = run({});
    for (const [index, { greedy }] of prompts.entries()) {
      const free = greedy.ids.slice(0, index % 4);
      expect(free).not.toContain(6); // else the prompt says nothing
      expect(tokens[index]!.slice(0, free.length + 3)).toEqual([...free, 7, 6, 8]);
      expect(tokens[index]).toHaveLength(greedy.ids.length);
    }
    const preempted = run({ kvCacheTokens: 448 });
    expect(preempted.preemptions).toBeGreaterThan(0);
    expect(preempted.tokens.map((ids) => ids.slice(0, 6))).toEqual(tokens.map((ids) => ids.slice(0, 6)));
  });

  it('reports log probabilities of forced tokens too', () => {
    const engine = newEngine();
    const prompt = prompts[2]!;
    const closing = { startsInside: true, maxFreeTokens: 0, closingTokenIds: [6], tagTexts: new Map<number, string>() };
    engine.submit(requestOf(prompt, 'a', { sampling: { ...GREEDY, logprobs: 1 }, maxTokens: 1, thoughtLimit: closing }), 0);
    const event = eventsOf(finish(engine), 'a').find(({ type }) => type === 'token');
    if (event?.type !== 'token') throw new Error('no token came');
    expect(event.tokenId).toBe(6);
    expect(event.logprob).toBeCloseTo(logSoftmax(prompt.last_logits)[6]!, 3);
    expect(event.topLogprobs).toMatchObject([{ tokenId: prompt.greedy.ids[0] }]);
  });

  it('frees an aborted sequence at once, running or waiting, and says no more of it', () => {
    const engine = newEngine({ maxNumSeqs: 1 });
    engine.submit(requestOf(prompts[4]!, 'running'), 0);
    engine.submit(requestOf(prompts[4]!, 'waiting'), 0);
    expect(engine.step().stats).toMatchObject({ running: 1, waiting: 1 });
    for (const id of ['running', 'waiting', 'running', 'unknown']) engine.abort(id);
    expect(engine.hasWork).toBe(false);
    const stats = { running: 0, waiting: 0, kvCacheUsage: 0, kvCacheBytes: 0 };
    expect(engine.step()).toEqual({ events: [], stats, metrics: null, trace: null });
  });

  it('lets an urgent request take the place of one that runs, which goes on to its golden ids', () => {
    const engine = newEngine({ maxNumSeqs: 1 });
    const [first, second] = [prompts[3]!, prompts[4]!];
    engine.submit(requestOf(first, 'patient', { priority: 1 }), 0);
    for (let step = 0; step < 3; step++) engine.step();
    engine.submit(requestOf(second, 'later', { priority: 2, maxTokens: 1 }), 0);
    engine.submit(requestOf(second, 'urgent', { priority: -1 }), 0);
    const reports = finish(engine);
    const ended = reports.flatMap(({ events }) => events.filter(({ event }) => event.type === 'finished').map(({ id }) => id));
    expect(ended).toEqual(['urgent', 'patient', 'later']);
    expect(reports.reduce((sum, { metrics }) => sum + metrics!.preemptions, 0)).toBe(1);
    const golden = bindingGreedyIds(first);
    expect(tokensOf(reports, 'patient').slice(0, golden.length - 3)).toEqual(golden.slice(3));
    expect(tokensOf(reports, 'urgent').slice(0, 5)).toEqual(second.greedy.ids.slice(0, 5));
    expect(reports.at(-1)!.stats).toMatchObject({ kvCacheBytes: 0 });
  });

  it('serves a tenant with one request before the many of another', () => {
    const engine = newEngine({ maxNumSeqs: 1 });
    for (let index = 0; index < 10; index++) engine.submit(requestOf(prompts[1]!, `many-${index}`, { apiKeyName: 'a', maxTokens: 2 }), 0);
    engine.step();
    engine.submit(requestOf(prompts[1]!, 'one', { apiKeyName: 'b', maxTokens: 2 }), 0);
    const ended = finish(engine).flatMap(({ events }) => events.filter(({ event }) => event.type === 'finished').map(({ id }) => id));
    expect(ended.slice(0, 3)).toContain('one');
    expect(ended).toHaveLength(11);
  });

  it('fails a request whose timeout passes, in the queue or while it runs, and frees its memory', () => {
    const clock = { seconds: 100 };
    const engine = newEngine({ maxNumSeqs: 1, clock });
    engine.submit(requestOf(prompts[1]!, 'running', { timeoutSeconds: 5 }), 98);
    engine.submit(requestOf(prompts[1]!, 'waiting', { timeoutSeconds: 2 }), 99);
    engine.submit(requestOf(prompts[1]!, 'patient', { maxTokens: 1, timeoutSeconds: 60 }), 99);
    const failureOf = (report: StepReport, id: string): unknown => eventsOf([report], id)[0];
    expect(failureOf(engine.step(), 'waiting')).toBeUndefined();
    clock.seconds = 101;
    expect(failureOf(engine.step(), 'waiting')).toMatchObject({
      type: 'failed',
      error: { code: 'deadline_exceeded', field: 'timeout', message: expect.stringContaining('in the queue') as string },
    });
    clock.seconds = 103;
    const report = engine.step();
    expect(failureOf(report, 'running')).toMatchObject({
      type: 'failed',
      error: { code: 'deadline_exceeded', message: expect.stringContaining('2 of at most') as string },
    });
    expect(tokensOf([report], 'patient')).toEqual(prompts[1]!.greedy.ids.slice(0, 1));
    expect(report.stats).toMatchObject({ running: 0, waiting: 0, kvCacheBytes: 0 });
  });

  it('fails the requests of a step whose experts are gone, and goes on with the next', () => {
    const engine = newEngine({ maxNumSeqs: 2 });
    for (const id of ['a', 'b', 'later']) engine.submit(requestOf(prompts[1]!, id, { maxTokens: 5 }), 0);
    engine.step();
    dispatcher.setHosts(++epoch, hosts.slice(0, 1));
    const { events, stats } = engine.step();
    expect(events.map(({ id, event }) => [id, event])).toEqual(
      ['a', 'b'].map((id) => [id, { type: 'failed', error: expect.objectContaining({ code: 'shard_unavailable' }) as unknown }]),
    );
    expect(stats).toMatchObject({ running: 0, waiting: 1, kvCacheBytes: 0 });
    dispatcher.setHosts(++epoch, hosts);
    expect(tokensOf(finish(engine), 'later')).toEqual(prompts[1]!.greedy.ids.slice(0, 5));
  });

  it('fails only a request that does not fit into the KV cache even alone', () => {
    const engine = newEngine({ kvCacheTokens: 128 });
    engine.submit(requestOf(prompts[4]!, 'big', { promptIds: Array<number>(129).fill(1) }), 0);
    engine.submit(requestOf(prompts[1]!, 'small', { maxTokens: 5 }), 0);
    const reports = finish(engine);
    const [failure] = eventsOf(reports, 'big');
    expect(failure).toMatchObject({
      type: 'failed',
      error: { code: 'engine_failed', message: expect.stringContaining('129 tokens') as string },
    });
    expect(tokensOf(reports, 'small')).toEqual(prompts[1]!.greedy.ids.slice(0, 5));
  });
});
