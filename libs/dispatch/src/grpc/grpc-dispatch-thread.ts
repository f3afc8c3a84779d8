import { parentPort, workerData } from 'node:worker_threads';
import { Doorbell, ExpertChannel } from '@ringmesh/protocol';
import type { GrpcThreadData, GrpcThreadMessage } from './thread-messages.js';
import { WorkerConnection } from './worker-connection.js';

/** The thread that speaks gRPC with all workers: it moves bytes between sockets and channels, and computes nothing. */
const { serverBell, ...options } = workerData as GrpcThreadData;
const connections = new Map<string, WorkerConnection>();

// The port also keeps the thread alive: waiting for a bell does not.
parentPort!.on('message', (message: GrpcThreadMessage) => {
  const { address } = message;
  if (message.type === 'remove') {
    connections.get(address)?.close('it was removed from the list of workers');
    connections.delete(address);
    return;
  }
  const channels = message.channels.map((buffers) => new ExpertChannel(buffers));
  const onStatus = parentPort!.postMessage.bind(parentPort);
  connections.set(address, new WorkerConnection({ ...options, address, channels, random: Math.random, onStatus }));
});

const bell = new Doorbell(serverBell);
for (;;) {
  const seen = bell.value;
  for (const connection of connections.values()) connection.serve();
  await bell.waitAsync(seen);
}
