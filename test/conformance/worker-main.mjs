// A worker with the options that the first argument has in JSON. Prints its address once it listens.
import { parseWorkerOptions, startWorker } from '@ringmesh/worker';

// The test that started it is gone.
process.once('disconnect', () => process.exit());

const worker = await startWorker(parseWorkerOptions(JSON.parse(process.argv[2])));
process.once('SIGTERM', async () => {
  await worker.close();
  process.disconnect();
});
console.log(worker.address);
