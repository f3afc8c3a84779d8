export * from './grpc-dispatch.js';
export { describeWorker, type ExpectedPack, type RemoteWorker, type WorkerState, type WorkerStatus } from './remote-worker.js';
