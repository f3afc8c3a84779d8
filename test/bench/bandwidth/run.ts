/** Measures how fast threads can read memory. `node run.ts 2` prints bytes a second for 1 and for 2 threads, as JSON. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

const maxThreads = Number(process.argv[2]);
const bandwidth: number[] = [];
for (let numThreads = 1; numThreads <= maxThreads; numThreads++) bandwidth.push(await measure(numThreads));
console.log(JSON.stringify(bandwidth));

/** All threads read at the same time. */
async function measure(numThreads: number): Promise<number> {
  const threads = Array.from({ length: numThreads }, () => new Worker(new URL('./read-thread.ts', import.meta.url)));
  await Promise.all(threads.map((thread) => once(thread, 'message'))); // ready
  const done = threads.map((thread) => once(thread, 'message') as Promise<[bytesPerSecond: number]>);
  for (const thread of threads) thread.postMessage('start');
  const rates = await Promise.all(done);
  await Promise.all(threads.map((thread) => thread.terminate()));
  return rates.reduce((sum, [rate]) => sum + rate, 0);
}
