// `npm run bench`: sets the checkout up, then measures. Arguments go to test/bench; `--help` lists them, `--http --help` and so on those of the other
// benches.
import { join } from 'node:path';
import { environment, main, root, run, setup } from './setup.mjs';

await main(async () => {
  const node = await setup();
  const other = ['http', 'http-decode', 'load', 'long-context', 'prefix', 'sampling', 'soak', 'speculative'].find((name) =>
    process.argv.includes(`--${name}`),
  );
  const script = other === undefined ? 'test/bench/main.ts' : `test/bench/${other}/main.ts`;
  const args = [join(root, script), ...process.argv.slice(2)];
  const { code } = await run(node, args, { show: true, cwd: process.env.INIT_CWD ?? process.cwd(), env: environment(node) });
  return code;
});
