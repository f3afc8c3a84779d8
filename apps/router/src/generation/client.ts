import type { TraceSpan } from '@ringmesh/telemetry';
import type { ApiKey } from '../api-keys/api-key.js';

/** Whom a generation is for. */
export interface Client {
  /** Aborts when the client is gone. */
  signal: AbortSignal;
  /** Null where the server has no keys. */
  apiKey: ApiKey | null;
  /** Of its HTTP request; undefined where nothing is traced. */
  span?: TraceSpan | undefined;
}
