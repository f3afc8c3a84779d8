import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ApiKey, ApiKeyLimits } from '../api-keys/api-key.js';
import { hashOf } from '../api-keys/api-keys.js';
import type { TextEvent } from '../generation/generate-text.js';
import { Admission } from './admission.js';
import { admitted } from './admitted.js';
import type { AdmittedSequence } from './admitted-sequence.js';

const NEVER = new AbortController().signal;
const key = (name: string, limits: ApiKeyLimits): ApiKey => ({ name, sha256: hashOf(name), limits });

/** An admission with a clock that stands still unless it is moved. */
function admission({ maxRequests = 100, maxTokens = 10_000 } = {}): { admission: Admission; clock: { now: number }; refused: string[] } {
  const clock = { now: 0 };
  const refused: string[] = [];
  const limits = { maxRequests, maxTokens };
  return { admission: new Admission({ limits, now: () => clock.now, onRefused: (code) => refused.push(code) }), clock, refused };
}

const NOBODY = { requests: 0, promptTokens: 0, heldByKey: 0 };

describe('Admission', () => {
  it('refuses what is too much to wait, and says so', () => {
    const { admission: all, refused } = admission({ maxRequests: 2 });
    const [first] = all.admit([10, 20], null);
    expect(() => all.admit([1], null)).toThrow(expect.objectContaining({ code: 'queue_full', httpStatus: 429, retryAfterSeconds: 1 }));
    first!.started();
    expect(all.waiting()).toEqual({ requests: 1, promptTokens: 20, heldByKey: 0 });
    all.admit([1], null);
    expect(refused).toEqual(['queue_full']);
  });

  it('limits each key by itself', () => {
    const { admission: all } = admission();
    const narrow = key('narrow', { maxQueuedRequests: 1 });
    all.admit([10], narrow);
    expect(() => all.admit([10], narrow)).toThrow(
      expect.objectContaining({ code: 'queue_full', message: expect.stringContaining('narrow') as string }),
    );
    all.admit([10], key('other', { maxQueuedRequests: 1 }));
    all.admit([10], null);
  });

  it('counts requests a minute', () => {
    const { admission: all, clock } = admission();
    const slow = key('slow', { requestsPerMinute: 2 });
    all.admit([1, 1, 1], slow);
    all.admit([1], slow);
    expect(() => all.admit([1], slow)).toThrow(expect.objectContaining({ code: 'rate_limit_exceeded', retryAfterSeconds: 30 }));
    clock.now = 30;
    all.admit([1], slow);
  });

  it('counts tokens a minute, those generated among them, and lets an answer end that takes more', () => {
    const { admission: all, clock } = admission();
    const short = key('short', { tokensPerMinute: 60 });
    const [sequence] = all.admit([50], short);
    for (let count = 0; count < 30; count++) sequence!.generated();
    expect(() => all.admit([1], short)).toThrow(expect.objectContaining({ code: 'rate_limit_exceeded', retryAfterSeconds: 21 }));
    clock.now = 21;
    all.admit([1], short);
  });

  it('names the time after which no limit is in the way', () => {
    const { admission: all, refused } = admission();
    const both = key('both', { requestsPerMinute: 1, tokensPerMinute: 120 });
    all.admit([120], both);
    expect(() => all.admit([40], both)).toThrow(expect.objectContaining({ retryAfterSeconds: 60 })); // the tokens are there after 20
    all.admit([1], key('another', {}));
    expect(refused).toEqual(['rate_limit_exceeded']);
  });

  it('goes on with what a key has used when its limits change, by its name', () => {
    const { admission: all, clock } = admission();
    const before = key('a', { requestsPerMinute: 2, maxQueuedRequests: 1 });
    all.admit([1], before);
    const after = { ...key('a', { requestsPerMinute: 4, maxQueuedRequests: 2, tokensPerMinute: 10 }), sha256: hashOf('another') };
    all.setKeys([after]);
    all.admit([8], after);
    expect(() => all.admit([1], after)).toThrow(expect.objectContaining({ retryAfterSeconds: 15 })); // one of two was left of the requests
    clock.now = 60;
    expect(() => all.admit([1], after)).toThrow(expect.objectContaining({ code: 'queue_full' }));
    all.setKeys([key('a', {})]);
    all.admit([100], key('a', {}));
  });

  it('lets in at once who waits for a key that may do more', async () => {
    const { admission: all } = admission();
    const sequences = all.admit([1, 1], key('a', { maxNumSeqs: 1 }));
    await sequences[0]!.slot(NEVER);
    const second = sequences[1]!.slot(NEVER);
    expect(all.waiting().heldByKey).toBe(1);
    all.setKeys([key('a', { maxNumSeqs: 2 })]);
    await second;
    expect(all.waiting().heldByKey).toBe(0);
  });

  it('counts what a removed key still does, and forgets it then', () => {
    const { admission: all } = admission();
    const gone = key('gone', { maxQueuedRequests: 1 });
    const [sequence] = all.admit([1], gone);
    all.setKeys([]);
    expect(() => all.admit([1], gone)).toThrow(expect.objectContaining({ code: 'queue_full' }));
    sequence!.ended();
    expect(all.waiting()).toEqual(NOBODY);
    all.setKeys([]);
    all.admit([1, 1], gone); // as if it had never been there
  });

  it('takes nothing from who is refused', () => {
    const { admission: all } = admission({ maxRequests: 1 });
    const slow = key('slow', { requestsPerMinute: 1 });
    const [sequence] = all.admit([1], null);
    expect(() => all.admit([1], slow)).toThrow(expect.objectContaining({ code: 'queue_full' }));
    sequence!.ended();
    all.admit([1], slow);
  });

  it('counts nobody any more once all have ended, whatever they did before', () => {
    const limits = fc.record({ maxNumSeqs: fc.integer({ min: 1, max: 2 }), maxQueuedRequests: fc.integer({ min: 1, max: 5 }) });
    const actions = fc.array(fc.tuple(fc.nat(2), fc.constantFrom('ask', 'start', 'end', 'end twice'), fc.nat(20)), { maxLength: 60 });
    fc.assert(
      fc.property(limits, actions, (keyLimits, steps) => {
        const { admission: all, clock, refused } = admission({ maxRequests: 8, maxTokens: 100 });
        const keys = [null, key('a', keyLimits), key('b', {})];
        const open: AdmittedSequence[] = [];
        let refusals = 0;
        for (const [who, action, number] of steps) {
          clock.now++;
          const sequence = open[number % Math.max(open.length, 1)];
          if (action === 'ask') {
            try {
              open.push(...all.admit(Array<number>((number % 3) + 1).fill(number), keys[who]!));
            } catch (error) {
              expect(error).toMatchObject({ code: 'queue_full' });
              refusals++;
            }
          } else if (action === 'start') sequence?.started();
          else if (sequence !== undefined) {
            sequence.ended();
            if (action === 'end twice') sequence.ended();
            open.splice(open.indexOf(sequence), 1);
          }
          expect(all.waiting().requests).toBeLessThanOrEqual(8);
        }
        for (const sequence of open) sequence.ended();
        expect(all.waiting()).toEqual(NOBODY);
        expect(refused).toHaveLength(refusals);
      }),
    );
  });
});

describe('admitted sequences', () => {
  const finished: TextEvent = { type: 'finished', text: '', reason: 'stop', stopReason: null };
  async function* events(): AsyncGenerator<TextEvent, void> {
    yield { type: 'started', queueSeconds: 0.5, cachedTokens: 0 };
    yield { type: 'token', text: 'x', tokenId: 1 };
    yield finished;
  }

  it('wait for their key, and run one after another', async () => {
    const { admission: all } = admission();
    const [first, second] = all.admit([5, 7], key('one', { maxNumSeqs: 1 }));
    const running = admitted(events, first!, { signal: NEVER });
    expect((await running.next()).value).toEqual({ type: 'started', queueSeconds: 0.5, cachedTokens: 0 });
    const held = admitted(events, second!, { signal: NEVER });
    const start = held.next();
    expect(all.waiting()).toEqual({ requests: 1, promptTokens: 7, heldByKey: 1 });
    await running.return();
    expect((await start).value).toMatchObject({ type: 'started' });
    expect((await held.next()).value).toMatchObject({ type: 'token' });
    expect((await held.next()).value).toEqual(finished);
    expect((await held.next()).done).toBe(true);
    expect(all.waiting()).toEqual(NOBODY);
  });

  it('give their place back when the client goes while they wait', async () => {
    const { admission: all } = admission();
    const [first, second] = all.admit([5, 7], key('one', { maxNumSeqs: 1 }));
    const running = admitted(events, first!, { signal: NEVER });
    await running.next();
    const client = new AbortController();
    const gone = expect(admitted(events, second!, { signal: client.signal }).next()).rejects.toBe('gone');
    client.abort('gone');
    await gone;
    expect(all.waiting()).toEqual(NOBODY);
  });

  it('wait no longer than they have time', async () => {
    const { admission: all } = admission();
    const [first, second] = all.admit([5, 7], key('one', { maxNumSeqs: 1 }));
    const running = admitted(events, first!, { signal: NEVER, timeoutSeconds: 0.001 });
    await running.next();
    const late = admitted(events, second!, { signal: NEVER, timeoutSeconds: 0.001 }).next();
    await expect(late).rejects.toMatchObject({ code: 'deadline_exceeded', field: 'timeout' });
    expect(all.waiting()).toEqual(NOBODY);
    expect((await running.next()).value).toMatchObject({ type: 'token' }); // the time of who runs is the engine's to count
  });
});
