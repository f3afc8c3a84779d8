/** Measures how fast threads can read memory. `node run.ts 2` prints bytes a second for 1 and for 2 threads, as JSON. */
import { measureBandwidth } from '@ringmesh/machine';

const maxThreads = Number(process.argv[2]);
const bandwidth: number[] = [];
for (let numThreads = 1; numThreads <= maxThreads; numThreads++) bandwidth.push(await measureBandwidth(numThreads));
console.log(JSON.stringify(bandwidth));
