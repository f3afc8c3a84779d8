/** Keeps one text a key, each for as long as its lease lasts. Every method is atomic; what fails is a CoordinationUnavailableError. */
export interface LeaseStore {
  /** Writes a record that lives for `leaseMs` from now, or renews it. */
  put(id: string, record: string, leaseMs: number): Promise<void>;
  remove(id: string): Promise<void>;
  /** The records whose lease has not ended, by id. */
  read(): Promise<Map<string, string>>;
  /** Calls `listener` after a record came, changed or was removed; a lease that ends is silent. The returned function stops it. */
  onChange(listener: () => void): () => void;
  close(): Promise<void>;
}
