import { expect, it } from 'vitest';
import { processArgs } from './serving-options.js';

it('passes on to the router what was given: values, lists and flags', () => {
  const { routerArgs } = processArgs({ deterministic: true, apiKey: ['a', 'b'], maxNumSeqs: '8' });
  expect(routerArgs).toEqual(['--api-key', 'a', '--api-key', 'b', '--max-num-seqs', '8', '--deterministic']);
});
