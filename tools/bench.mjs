// `npm run bench`: sets the checkout up, then measures. Arguments go to test/bench; `--help` lists them.
import { join } from 'node:path';
import { environment, main, root, run, setup } from './setup.mjs';

await main(async () => {
  const node = await setup();
  const args = [join(root, 'test/bench/main.ts'), ...process.argv.slice(2)];
  const { code } = await run(node, args, { show: true, cwd: process.env.INIT_CWD ?? process.cwd(), env: environment(node) });
  return code;
});
