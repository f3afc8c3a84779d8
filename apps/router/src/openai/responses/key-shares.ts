/** What one API key has in the store. */
interface Share {
  /** By use: the least recent first. */
  ids: Set<string>;
  bytes: number;
}

/** Which responses are whose, and how much each API key has of them: whoever has the most makes room. */
export class KeyShares {
  /** By the name of the key; null where the server has no keys. */
  private readonly shares = new Map<string | null, Share>();

  /** Adds one that was used just now. */
  add(apiKeyName: string | null, id: string, bytes: number): void {
    let share = this.shares.get(apiKeyName);
    if (share === undefined) this.shares.set(apiKeyName, (share = { ids: new Set(), bytes: 0 }));
    share.ids.add(id);
    share.bytes += bytes;
  }

  /** @param bytes as it was added */
  remove(apiKeyName: string | null, id: string, bytes: number): void {
    const share = this.shares.get(apiKeyName);
    if (!share?.ids.delete(id)) return;
    share.bytes -= bytes;
    if (share.ids.size === 0) this.shares.delete(apiKeyName);
  }

  /** The least recently used response of the key that has the most of them, or the most bytes; undefined where there are none. */
  leastRecentOfLargest(measure: 'responses' | 'bytes'): string | undefined {
    const held = (share: Share): number => (measure === 'bytes' ? share.bytes : share.ids.size);
    let largest: Share | undefined;
    for (const share of this.shares.values()) if (largest === undefined || held(share) > held(largest)) largest = share;
    return largest?.ids.values().next().value;
  }
}
