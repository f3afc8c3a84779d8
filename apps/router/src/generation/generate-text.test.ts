import { ShardUnavailableError } from '@ringmesh/core';
import type { EngineClient, GenerationEvent, GenerationRequest } from '@ringmesh/engine';
import { SAMPLE_MODEL } from '@ringmesh/testing';
import { Tokenizer } from '@ringmesh/tokenizer';
import { describe, expect, it } from 'vitest';
import { generateText, type TextEvent } from './generate-text.js';
import type { TextRequest } from './text-request.js';

const tokenizer = await Tokenizer.load(SAMPLE_MODEL);
const END_TOKEN = 759;
const SAMPLING = { temperature: 0, topP: 1, topK: 0, minP: 0, seed: 0, logprobs: -1 };

/** Just enough of an engine to play given events, so that each order of them can be tried; the real one runs in test/openai. */
class ScriptedEngine {
  /** Whether the reader left or came to the end. */
  isReleased = false;

  constructor(private readonly events: GenerationEvent[]) {}

  async *generate(_request: GenerationRequest): AsyncGenerator<GenerationEvent> {
    try {
      yield* this.events;
    } finally {
      this.isReleased = true;
    }
  }
}

function tokensOf(text: string): GenerationEvent[] {
  return tokenizer.encode(text).map((tokenId) => ({ type: 'token', tokenId }));
}

async function run(
  events: GenerationEvent[],
  options: Partial<TextRequest> = {},
  signal = new AbortController().signal,
): Promise<{ events: TextEvent[]; text: string; engine: ScriptedEngine }> {
  const engine = new ScriptedEngine(events);
  const request = {
    stop: [],
    stopTokenIds: [END_TOKEN],
    includeStop: false,
    skipSpecialTokens: true,
    sampling: SAMPLING,
    ...options,
  } as unknown as TextRequest;
  const backend = { engine: engine as unknown as EngineClient, tokenizer, endTokenIds: [END_TOKEN] };
  const seen: TextEvent[] = [];
  let text = '';
  for await (const event of generateText(backend, request, signal)) {
    seen.push(event);
    if (event.type === 'finished') expect(engine.isReleased).toBe(true); // a slow reader of the last event must not hold the sequence
    if ('text' in event) text += event.text;
  }
  return { events: seen, text, engine };
}

describe('generateText', () => {
  it('gives every token, and text that never breaks a character', async () => {
    const { events, text } = await run([...tokensOf('1 ✓ é'), { type: 'finished', reason: 'length' }]);
    expect(text).toBe('1 ✓ é');
    expect(events.filter((event) => event.type === 'token')).toHaveLength(tokenizer.encode('1 ✓ é').length);
    expect(events.every((event) => !('text' in event) || !event.text.includes('\uFFFD'))).toBe(true);
    expect(events.at(-1)).toEqual({ type: 'finished', text: '', reason: 'length', stopReason: null });
  });

  it('shows a character that stayed incomplete at the end', async () => {
    const cut = tokensOf('✓').slice(0, 1);
    expect((await run([...cut, { type: 'finished', reason: 'length' }])).text).toBe('\uFFFD');
  });

  it('says which tokens are thoughts, whatever stop strings hold back', async () => {
    const tokens = tokensOf('<think>\nOne\n</think>\n\nTwo');
    const flags = async (options: Partial<TextRequest>): Promise<unknown[]> => {
      const { events } = await run([...tokens, { type: 'finished', reason: 'length' }], options);
      return events.flatMap((event) => (event.type === 'token' ? [event.isReasoning] : []));
    };
    const [open, close] = ['<think>', '</think>'].map((tag) =>
      tokens.findIndex((event) => event.type === 'token' && event.tokenId === tokenizer.encode(tag)[0]),
    );
    const expected = tokens.map((_, index) => index > open! && index < close!);
    expect(expected).toContain(true);
    expect(await flags({ reasoning: { startsInside: false } })).toEqual(expected);
    expect(await flags({ reasoning: { startsInside: false }, stop: ['<think>\nOne\n</think>\n\nThree'] })).toEqual(expected);
    expect(await flags({})).toEqual(tokens.map(() => undefined));
  });

  it('shows special tokens that are to be shown', async () => {
    const events = [...tokensOf('a<role>b</role>'), { type: 'finished', reason: 'length' } as const];
    expect((await run(events)).text).toBe('ab');
    expect((await run(events, { shownTokenIds: new Set(tokenizer.encode('<role>')) })).text).toBe('a<role>b');
  });

  it('ends at a stop string across tokens and reports the token that completed it', async () => {
    const { events, text } = await run([...tokensOf('12 34 56'), { type: 'finished', reason: 'length' }], { stop: ['4 5'] });
    expect(text).toBe('12 3');
    expect(events.at(-1)).toEqual({ type: 'finished', text: '', reason: 'stop', stopReason: '4 5' });
  });

  it('looks for stop strings in what comes after min_tokens', async () => {
    const events: GenerationEvent[] = [...tokensOf('1, 2, 3, 4, 5'), { type: 'finished', reason: 'length' }];
    const minTokens = tokensOf('1, 2').length;
    const { text } = await run(events, { stop: [', '], sampling: { ...SAMPLING, minTokens } });
    expect(text).toBe('1, 2');
    expect((await run(events, { stop: [', 2'], sampling: { ...SAMPLING, minTokens } })).text).toBe('1, 2, 3, 4, 5');
  });

  it('keeps the stop string where that was asked for', async () => {
    expect((await run(tokensOf('12 34 56'), { stop: ['4 5'], includeStop: true })).text).toBe('12 34 5');
  });

  it('shows text that was held back for a stop string that did not come', async () => {
    expect((await run([...tokensOf('12 34'), { type: 'finished', reason: 'length' }], { stop: ['345'] })).text).toBe('12 34');
  });

  it.each([
    { name: 'the end token', tokenId: END_TOKEN, stopTokenIds: [END_TOKEN], includeStop: false, text: '1', stopReason: null },
    { name: "the request's stop token", tokenId: 21, stopTokenIds: [END_TOKEN, 21], includeStop: false, text: '1', stopReason: 21 },
    { name: 'a stop token that is to be kept', tokenId: 21, stopTokenIds: [21], includeStop: true, text: '16', stopReason: 21 },
  ])('ends with $name', async ({ tokenId, stopTokenIds, includeStop, text, stopReason }) => {
    const result = await run([...tokensOf('1'), { type: 'token', tokenId }, { type: 'finished', reason: 'stop' }], {
      stopTokenIds,
      includeStop,
    });
    expect(result.text).toBe(text);
    expect(result.events.at(-1)).toMatchObject({ reason: 'stop', stopReason });
  });

  it('leaves special tokens out unless they were asked for', async () => {
    const events: GenerationEvent[] = [...tokensOf('1'), { type: 'token', tokenId: END_TOKEN }, { type: 'finished', reason: 'length' }];
    expect((await run(events, { stopTokenIds: [] })).text).toBe('1');
    expect((await run(events, { stopTokenIds: [], skipSpecialTokens: false })).text).toBe('1<|endoftext|>');
  });

  it('throws what the engine fails with', async () => {
    const error = new ShardUnavailableError('shard 3');
    await expect(run([...tokensOf('1'), { type: 'failed', error }])).rejects.toBe(error);
  });

  it('throws the reason of an abort, and never takes silence for an end', async () => {
    const reason = new Error('client gone');
    await expect(run([{ type: 'finished', reason: 'abort' }], {}, AbortSignal.abort(reason))).rejects.toBe(reason);
    await expect(run(tokensOf('1'))).rejects.toMatchObject({ code: 'engine_failed' });
  });
});
