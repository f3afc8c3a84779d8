// `npm run bench`: sets the checkout up, then measures. Arguments go to test/bench; `--help` lists them, `--http --help` those of the API's bench.
import { join } from 'node:path';
import { environment, main, root, run, setup } from './setup.mjs';

await main(async () => {
  const node = await setup();
  const script = process.argv.includes('--http') ? 'test/bench/http/main.ts' : 'test/bench/main.ts';
  const args = [join(root, script), ...process.argv.slice(2)];
  const { code } = await run(node, args, { show: true, cwd: process.env.INIT_CWD ?? process.cwd(), env: environment(node) });
  return code;
});
