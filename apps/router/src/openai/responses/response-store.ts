import type { InputItem } from './input-items.js';
import { KeyShares } from './key-shares.js';
import type { OutputItem, ResponseObject } from './response-object.js';

/** An item of an input, with an id of its own. */
export type StoredItem = InputItem & { id: string };

/** A response and what it answered, without what came before it in the conversation. */
export interface StoredResponse {
  response: ResponseObject;
  input: StoredItem[];
  /** Whose it is: the name of the API key; null where the server has no keys. */
  apiKeyName: string | null;
}

/** What of a response a conversation goes on from. All but its items is known without reading them. */
export interface StoredTurn {
  apiKeyName: string | null;
  status: ResponseObject['status'];
  previousId: string | null;
  numItems: number;
  /** Of its items as JSON. */
  itemBytes: number;
  /** What it answered, and the answer. */
  items: () => (StoredItem | OutputItem)[];
}

export interface ResponseStoreLimits {
  /** 0: nothing is kept. */
  maxResponses: number;
  /** Of all responses as JSON. */
  maxBytes: number;
  /** A response is kept for so long after it was last used. */
  ttlMs: number;
}

interface StoredItems {
  input: StoredItem[];
  output: OutputItem[];
}

interface Entry extends Omit<StoredTurn, 'items'> {
  /** Without its output. */
  response: Buffer;
  items: Buffer;
  expires: number;
}

/**
 * Keeps responses in this process's memory, within limits: the API key that has the most makes room, by those that it has used least
 * recently. They are kept as JSON bytes, so that the limit means what it says, and nobody changes what is kept.
 */
export class ResponseStore {
  /** By use: the least recent first, which is also the first to expire. */
  private readonly entries = new Map<string, Entry>();
  private readonly shares = new KeyShares();
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

  /** One that is larger than the limit by itself is not kept. */
  put(stored: StoredResponse): void {
    const entry = entryOf(stored);
    const { maxResponses, maxBytes } = this.limits;
    this.delete(stored.response.id);
    if (sizeOf(entry) > maxBytes) return;
    this.insert(stored.response.id, entry);
    this.removeExpired();
    while (this.entries.size > maxResponses) this.delete(this.shares.leastRecentOfLargest('responses')!);
    while (this.bytes > maxBytes) this.delete(this.shares.leastRecentOfLargest('bytes')!);
  }

  get(id: string): StoredResponse | undefined {
    const entry = this.use(id);
    if (entry === undefined) return undefined;
    const { input, output } = parse(entry.items) as StoredItems;
    return { response: { ...(parse(entry.response) as ResponseObject), output }, input, apiKeyName: entry.apiKeyName };
  }

  turn(id: string): StoredTurn | undefined {
    const entry = this.use(id);
    if (entry === undefined) return undefined;
    const items = (): (StoredItem | OutputItem)[] => {
      const { input, output } = parse(entry.items) as StoredItems;
      return [...input, ...output];
    };
    return { ...entry, items };
  }

  /** @returns whether there was one */
  delete(id: string): boolean {
    const entry = this.entries.get(id);
    if (entry === undefined) return false;
    this.bytes -= sizeOf(entry);
    this.shares.remove(entry.apiKeyName, id, sizeOf(entry));
    return this.entries.delete(id);
  }

  private use(id: string): Entry | undefined {
    this.removeExpired();
    const entry = this.entries.get(id);
    if (entry === undefined) return undefined;
    this.delete(id);
    this.insert(id, entry);
    return entry;
  }

  private insert(id: string, entry: Entry): void {
    entry.expires = this.now() + this.limits.ttlMs;
    this.entries.set(id, entry);
    this.bytes += sizeOf(entry);
    this.shares.add(entry.apiKeyName, id, sizeOf(entry));
  }

  private removeExpired(): void {
    const now = this.now();
    for (const [id, { expires }] of this.entries) {
      if (expires > now) break;
      this.delete(id);
    }
  }
}

function entryOf({ response, input, apiKeyName }: StoredResponse): Entry {
  const { output, status, previous_response_id: previousId } = response;
  const items = Buffer.from(JSON.stringify({ input, output }));
  return {
    ...{ apiKeyName, status, previousId },
    numItems: input.length + output.length,
    itemBytes: items.length,
    response: Buffer.from(JSON.stringify({ ...response, output: [] })),
    items,
    expires: 0, // known when it is used
  };
}

function sizeOf({ response, items }: Pick<Entry, 'response' | 'items'>): number {
  return response.length + items.length;
}

function parse(json: Buffer): unknown {
  return JSON.parse(json.toString());
}
