// `npm start`: sets the checkout up, then serves. Arguments go to `ringmesh serve`; without --model it serves the sample model on two workers.
import { join } from 'node:path';
import { environment, main, root, run, setup } from './setup.mjs';

const sample = ['--model', join(root, 'libs/sample-model/ring-nano'), '--workers', '2'];

await main(async () => {
  const node = await setup();
  const given = process.argv.slice(2);
  const hasModel = given.some((argument) => argument === '--model' || argument.startsWith('--model='));
  const args = [join(root, 'apps/cli/dist/main.js'), 'serve', ...(hasModel ? [] : sample), ...given];
  // npm changes to the repository's folder; paths among the arguments are relative to where the user stands.
  const cwd = process.env.INIT_CWD ?? process.cwd();
  const { code } = await run(node, args, { show: true, cwd, env: environment(node) });
  return code;
});
