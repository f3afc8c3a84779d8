export * from './grpc-dispatch.js';
export {
  describeWorker,
  type ExpectedPack,
  type RemoteWorker,
  requestsInFlight,
  type WorkerState,
  type WorkerStatus,
} from './remote-worker.js';
