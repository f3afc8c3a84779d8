import { QueueFullError, type RateLimitExceededError } from '@ringmesh/core';
import type { ApiKey } from '../api-keys/api-key.js';
import { AdmittedSequence } from './admitted-sequence.js';
import { KeyAdmission } from './key-admission.js';
import { retryAfter } from './retry-after.js';
import { type QueueLimits, WaitingQueue } from './waiting-queue.js';

type Refusal = QueueFullError | RateLimitExceededError;

export interface AdmissionOptions {
  /** Of all requests together. */
  limits: QueueLimits;
  /** Seconds, from any start. */
  now: () => number;
  /** Is told the code of each refusal. */
  onRefused: (code: Refusal['code']) => void;
}

/** Those who have not been started yet. */
export interface WaitingRequests {
  requests: number;
  promptTokens: number;
  /** Of the requests: those that wait because their key may not run more. */
  heldByKey: number;
}

/** Who may go to the engine: it is what keeps the engine's queue, and what each key uses, within limits. */
export class Admission {
  private readonly queue: WaitingQueue;
  /** By the name of the key. */
  private readonly keys = new Map<string, KeyAdmission>();

  constructor(private readonly options: AdmissionOptions) {
    this.queue = new WaitingQueue(options.limits);
  }

  /**
   * Admits the sequences of one request, given by their prompt tokens, all or none. Each of those returned must be told of its end.
   * @throws QueueFullError, RateLimitExceededError that say when to come again
   */
  admit(promptTokens: number[], apiKey: ApiKey | null): AdmittedSequence[] {
    const { now: clock, onRefused } = this.options;
    const now = clock();
    const key = apiKey === null ? null : this.keyAdmission(apiKey, now);
    const total = promptTokens.reduce((sum, tokens) => sum + tokens, 0);
    const refusals = [...this.refusals(promptTokens.length, total, now), ...(key?.refusals(promptTokens.length, total, now) ?? [])];
    // The one that lasts longest, so that whoever comes back when it says is not sent away for another reason.
    const [refusal] = refusals.sort((a, b) => b.retryAfterSeconds! - a.retryAfterSeconds!);
    if (refusal !== undefined) {
      onRefused(refusal.code);
      throw refusal;
    }
    key?.take(total, now);
    return promptTokens.map((tokens) => new AdmittedSequence({ queue: this.queue, key, now: clock }, tokens));
  }

  /** The keys are these from now on: whoever has the name of an earlier one goes on with what that one has used. */
  setKeys(apiKeys: readonly ApiKey[]): void {
    const now = this.options.now();
    const limits = new Map(apiKeys.map((apiKey) => [apiKey.name, apiKey.limits]));
    for (const [name, key] of this.keys) {
      const changed = limits.get(name);
      if (changed !== undefined) key.setLimits(changed, now);
      else if (key.isIdle) this.keys.delete(name); // of one that is busy the rest is still counted
    }
  }

  waiting(): WaitingRequests {
    const held = [...this.keys.values()].map(({ slots }) => slots.numWaiting);
    return { requests: this.queue.requests, promptTokens: this.queue.tokens, heldByKey: held.reduce((sum, count) => sum + count, 0) };
  }

  private refusals(sequences: number, promptTokens: number, now: number): QueueFullError[] {
    const seconds = this.queue.secondsUntilFits(sequences, promptTokens, now);
    if (seconds === 0) return [];
    const { requests, tokens, limits } = this.queue;
    const message =
      `${requests} requests with ${tokens} prompt tokens wait already: ` +
      `${limits.maxRequests} requests and ${limits.maxTokens} tokens may wait at once`;
    return [new QueueFullError(message, { retryAfterSeconds: retryAfter(seconds) })];
  }

  private keyAdmission(apiKey: ApiKey, now: number): KeyAdmission {
    let key = this.keys.get(apiKey.name);
    if (key === undefined) this.keys.set(apiKey.name, (key = new KeyAdmission(apiKey, now)));
    return key;
  }
}
