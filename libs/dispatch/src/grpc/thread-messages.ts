import type { ChannelBuffers, TransportSecurity } from '@ringmesh/protocol';
import type { DType } from '@ringmesh/tensor';
import type { ExpectedPack } from './remote-worker.js';

/** What the thread that speaks gRPC is started with. */
export interface GrpcThreadData {
  /** Rung when one of the channels has a request. */
  serverBell: SharedArrayBuffer;
  expected: ExpectedPack;
  security: TransportSecurity;
  dtype: DType;
  timeoutMs: number;
}

/** What it is told while it runs; it answers with a WorkerStatus whenever one changes. */
export type GrpcThreadMessage = { type: 'add'; address: string; channels: ChannelBuffers[] } | { type: 'remove'; address: string };
