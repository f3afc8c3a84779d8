import { errorToMessage, type ErrorMessage, ShuttingDownError } from '@ringmesh/core';
import { type ChannelBuffers, ExpertChannel } from '@ringmesh/protocol';
import { parentPort, workerData } from 'node:worker_threads';
import { ExpertStore, type ExpertStoreOptions } from './expert-store.js';
import { serveChannels } from './serve-channels.js';

/** What a thread is started with. */
export interface ExpertThreadData extends Omit<ExpertStoreOptions, 'onProgress'> {
  channels: ChannelBuffers[];
}

/** What it says while it starts, and if it fails. */
export type ExpertThreadMessage = { type: 'progress' } | { type: 'ready' } | { type: 'failed'; error: ErrorMessage };

const { channels, ...options } = workerData as ExpertThreadData;
const post = (message: ExpertThreadMessage): void => parentPort!.postMessage(message);

/** @throws ShuttingDownError when the channels were closed meanwhile: nobody wants what is being opened */
function onProgress(): void {
  const isClosed = channels.some((buffers) => new ExpertChannel(buffers).isClosed);
  if (isClosed) throw new ShuttingDownError('The experts were closed while they loaded');
  post({ type: 'progress' });
}

try {
  const store = ExpertStore.open({ ...options, onProgress });
  post({ type: 'ready' });
  serveChannels(store, channels);
  store.close();
} catch (error) {
  post({ type: 'failed', error: errorToMessage(error) });
}
