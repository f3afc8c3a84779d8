import { parentPort, workerData } from 'node:worker_threads';
import type { ReadThreadData } from './bandwidth.js';

const { bufferBytes, seconds } = workerData as ReadThreadData;

// Written once: pages that were never touched would all be the same page.
const buffer = Buffer.alloc(bufferBytes, 2);
parentPort!.once('message', () => {
  const start = performance.now();
  let bytes = 0;
  while (performance.now() - start < seconds * 1000) {
    // A search in vain is the C library's memchr, which reads as fast as the machine can.
    if (buffer.indexOf(1) !== -1) throw new Error('found what was never written');
    bytes += bufferBytes;
  }
  parentPort!.postMessage((bytes * 1000) / (performance.now() - start));
});
parentPort!.postMessage('ready');
