import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { registerWorkers } from './dispatch-metrics.js';
import { MetricsServer } from './metrics-server.js';
import { createMetricsRegistry } from './registry.js';

const registry = createMetricsRegistry();
let collect: () => [] = () => [];
registerWorkers(registry, () => collect());

let server: MetricsServer;
beforeEach(async () => {
  server = await MetricsServer.listen({ host: '127.0.0.1', port: 0, registry, isReady: () => true });
});
afterEach(() => server.close());

const get = (path: string): Promise<Response> => fetch(`http://127.0.0.1:${server.address.port}${path}`);

describe('MetricsServer', () => {
  it('answers 500 where a metric cannot be collected, and goes on', async () => {
    collect = () => {
      throw new Error('no such counter');
    };
    const answer = await get('/metrics');
    expect([answer.status, await answer.json()]).toEqual([500, { error: 'no such counter' }]);
    collect = () => [];
    expect((await get('/metrics')).status).toBe(200);
  });

  it('looks at the path alone', async () => {
    expect((await get('/metrics?name[]=up')).status).toBe(200);
    expect((await get('/ready?')).status).toBe(200);
    expect((await get('//')).status).toBe(404);
  });
});
