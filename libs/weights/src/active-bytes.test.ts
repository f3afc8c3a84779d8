import { expect, it } from 'vitest';
import { activeWeightBytes } from './active-bytes.js';
import type { ModelConfig } from './model-config.js';

it('a token reads all weights but the embedding, and its share of the routed experts', () => {
  const file = (path: string, bytes: number) => ({ path, bytes, sha256: '' });
  const files = [
    file('router/embedding.bin', 1000),
    file('router/head.bin', 500),
    file('router/layer-000-0.bin', 30),
    file('router/head-0.onnx', 7),
    file('shards/00/layer-000.bin', 400),
    file('shards/01/layer-000.bin', 400),
    file('tokenizer/tokenizer.json', 9),
  ];
  const config = { numExperts: 64, numExpertsPerToken: 8 } as ModelConfig;
  expect(activeWeightBytes({ config, files })).toBe(500 + 30 + 800 / 8);
});
