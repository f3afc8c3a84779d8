import { expect, it } from 'vitest';
import { createMetricsRegistry, renderMetrics } from './registry.js';
import { ShardTokens } from './shard-tokens.js';

it('groups layers so that the number of series stays small, and keeps every count', async () => {
  const registry = createMetricsRegistry();
  const tokens = new ShardTokens(registry, { name: 'tokens_total', help: 'Tokens.' }, { numLayers: 30, numShards: 2 });
  for (let layer = 0; layer < 30; layer++) tokens.add(layer, layer % 2, 10);

  const samples = (await renderMetrics(registry)).split('\n').filter((line) => line.startsWith('tokens_total'));
  expect(samples).toEqual([
    'tokens_total{layer_group="0-7",shard="0"} 40',
    'tokens_total{layer_group="0-7",shard="1"} 40',
    'tokens_total{layer_group="8-15",shard="0"} 40',
    'tokens_total{layer_group="8-15",shard="1"} 40',
    'tokens_total{layer_group="16-23",shard="0"} 40',
    'tokens_total{layer_group="16-23",shard="1"} 40',
    'tokens_total{layer_group="24-29",shard="0"} 30',
    'tokens_total{layer_group="24-29",shard="1"} 30',
  ]);
});
