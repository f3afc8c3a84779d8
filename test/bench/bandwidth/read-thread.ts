import { parentPort } from 'node:worker_threads';

/** Far more than caches hold. */
const BUFFER_BYTES = 2 ** 28;
const SECONDS = 1;

// Written once: pages that were never touched would all be the same page.
const buffer = Buffer.alloc(BUFFER_BYTES, 2);
parentPort!.once('message', () => {
  const start = performance.now();
  let bytes = 0;
  while (performance.now() - start < SECONDS * 1000) {
    // A search in vain is the C library's memchr, which reads as fast as the machine can.
    if (buffer.indexOf(1) !== -1) throw new Error('found what was never written');
    bytes += BUFFER_BYTES;
  }
  parentPort!.postMessage((bytes * 1000) / (performance.now() - start));
});
parentPort!.postMessage('ready');
