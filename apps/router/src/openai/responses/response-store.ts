import type { InputItem } from './input-items.js';
import type { ResponseObject } from './response-object.js';

/** An item of an input, with an id of its own. */
export type StoredItem = InputItem & { id: string };

/** A response and what it answered, without what came before it in the conversation. */
export interface StoredResponse {
  response: ResponseObject;
  input: StoredItem[];
  /** Whose it is: the name of the API key; null where the server has no keys. */
  apiKeyName: string | null;
}

export interface ResponseStoreLimits {
  /** 0: nothing is kept. */
  maxResponses: number;
  /** Of all responses as JSON. */
  maxBytes: number;
  /** A response is kept for so long after it was last used. */
  ttlMs: number;
}

interface Entry {
  json: Buffer;
  expires: number;
}

/**
 * Keeps responses in this process's memory, within limits: those that were used least recently go first. They are kept as JSON bytes, so
 * that the limit means what it says, and nobody changes what is kept.
 */
export class ResponseStore {
  /** By use: the least recent first, which is also the first to expire. */
  private readonly entries = new Map<string, Entry>();
  private bytes = 0;

  /** @param now in milliseconds, from any start */
  constructor(
    private readonly limits: ResponseStoreLimits,
    private readonly now: () => number,
  ) {}

  get isEnabled(): boolean {
    return this.limits.maxResponses > 0;
  }

  get size(): number {
    return this.entries.size;
  }

  get sizeBytes(): number {
    return this.bytes;
  }

  put(stored: StoredResponse): void {
    const json = Buffer.from(JSON.stringify(stored));
    this.delete(stored.response.id);
    this.insert(stored.response.id, json);
    this.removeExpired();
    const { maxResponses, maxBytes } = this.limits;
    for (const id of this.entries.keys()) {
      if (this.entries.size <= maxResponses && this.bytes <= maxBytes) break;
      this.delete(id);
    }
  }

  get(id: string): StoredResponse | undefined {
    this.removeExpired();
    const entry = this.entries.get(id);
    if (entry === undefined) return undefined;
    this.delete(id);
    this.insert(id, entry.json);
    return JSON.parse(entry.json.toString()) as StoredResponse;
  }

  /** @returns whether there was one */
  delete(id: string): boolean {
    const entry = this.entries.get(id);
    if (entry === undefined) return false;
    this.bytes -= entry.json.length;
    return this.entries.delete(id);
  }

  private insert(id: string, json: Buffer): void {
    this.entries.set(id, { json, expires: this.now() + this.limits.ttlMs });
    this.bytes += json.length;
  }

  private removeExpired(): void {
    const now = this.now();
    for (const [id, { expires }] of this.entries) {
      if (expires > now) break;
      this.delete(id);
    }
  }
}
