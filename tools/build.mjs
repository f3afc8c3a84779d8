// `npm run build`: dependencies, Node 24 and `tsc -b`, as `npm start` and `npm test` do them.
import { main, setup } from './setup.mjs';

await main(async () => {
  await setup();
  return 0;
});
