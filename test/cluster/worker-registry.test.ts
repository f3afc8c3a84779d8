import { RedisLeaseStore, WorkerRegistry } from '@ringmesh/coordination';
import { parseRouterOptions, type RawRouterOptions, type RunningRouter, startRouter } from '@ringmesh/router';
import {
  HAS_REDIS_SERVER,
  packedModel,
  type RedisServer,
  type RunningProcess,
  SAMPLE_MODEL,
  startRedisServer,
  startWorker,
  until,
} from '@ringmesh/testing';
import { readManifest } from '@ringmesh/weights';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

interface Ready {
  status: string;
  missing_shards: number[];
  details: string[];
}

describe.skipIf(!HAS_REDIS_SERVER)(
  HAS_REDIS_SERVER ? 'workers that register in Redis' : 'workers that register in Redis (redis-server is not installed)',
  () => {
    let pack: string;
    let redis: RedisServer;
    let router: RunningRouter;
    const workers: RunningProcess[] = [];

    const addWorker = async (shards: number[]): Promise<RunningProcess> => {
      const worker = await startWorker(pack, shards, '127.0.0.1:0', ['--redis-url', redis.url, '--threads', '1']);
      workers.push(worker);
      return worker;
    };
    const untilReadiness = (wanted: (ready: Ready) => boolean): Promise<Ready> =>
      until(async () => (await (await fetch(`${router.url}/ready`)).json()) as Ready, wanted);
    const answer = async (): Promise<number> => {
      const body = JSON.stringify({ messages: [{ role: 'user', content: 'hi' }], max_tokens: 2 });
      const headers = { 'content-type': 'application/json' };
      return (await fetch(`${router.url}/v1/chat/completions`, { method: 'POST', headers, body })).status;
    };

    const newRouter = (options: RawRouterOptions = {}): Promise<RunningRouter> =>
      startRouter(parseRouterOptions({ pack, port: '0', redisUrl: redis.url, logLevel: 'silent', ...options }));

    beforeEach(async () => {
      pack = await packedModel(SAMPLE_MODEL);
      redis = await startRedisServer();
      router = await newRouter();
    });
    afterEach(async () => {
      await router.close();
      await Promise.all(workers.splice(0).map(({ process }) => process.kill('SIGKILL')));
      await redis.kill();
    });

    it('are used as they come and go', async () => {
      expect(await untilReadiness(({ details }) => details.includes('model: loaded'))).toMatchObject({
        missing_shards: [0, 1, 2, 3, 4, 5, 6, 7],
      });
      await addWorker([0, 1, 2, 3]);
      await untilReadiness((ready) => ready.missing_shards.join() === '4,5,6,7');
      const second = await addWorker([4, 5, 6, 7]);
      await untilReadiness((ready) => ready.status === 'ready');
      expect(await answer()).toBe(200);

      await second.process.kill('SIGTERM');
      const { details } = await untilReadiness(
        (ready) => ready.missing_shards.join() === '4,5,6,7' && !ready.details.join().includes(second.address),
      );
      expect(details).toHaveLength(2); // the model and the first worker: the second one took its entry with it
      await addWorker([4, 5, 6, 7]);
      await untilReadiness((ready) => ready.status === 'ready');
      expect(await answer()).toBe(200);
    });

    it('cannot be replaced by entries of another pack, or that name a place we may not connect to; /ready says so', async () => {
      const registry = new WorkerRegistry(await RedisLeaseStore.connect(redis.url), { onWarning: () => undefined });
      const { packId } = await readManifest(pack);
      const entry = { shards: [0, 1, 2, 3, 4, 5, 6, 7], packId, threads: 1, device: 'cpu', draining: false };
      await registry.register({ ...entry, id: 'stranger', address: '192.0.2.1:7000' }); // another machine, in plain text
      await registry.register({ ...entry, id: 'other', address: '127.0.0.1:1', packId: 'f00d'.repeat(16) });
      const { address } = await addWorker([0, 1, 2, 3, 4, 5, 6, 7]);
      const { details } = await untilReadiness((ready) => ready.status === 'ready');
      expect(details.slice(1)).toEqual([
        `worker ${address}: ready, shards 0, 1, 2, 3, 4, 5, 6, 7`,
        `worker 127.0.0.1:1: left out (it registered with pack f00df00df00d, this router serves ${packId.slice(0, 12)} (ring-nano): start both with the same pack)`,
        expect.stringMatching(/^worker 192\.0\.2\.1:7000: left out \(.*plain text/),
      ]);
      await registry.close();
      expect((await untilReadiness((ready) => ready.details.length === 2)).status).toBe('ready');
    });

    it('serve what the router does not compute itself', async () => {
      await router.close();
      router = await newRouter({ localShards: '0-3' });
      await untilReadiness((ready) => ready.missing_shards.join() === '4,5,6,7');
      const worker = await addWorker([3, 4, 5, 6, 7]);
      const { details } = await untilReadiness((ready) => ready.status === 'ready');
      expect(details).toContainEqual(expect.stringMatching(/^worker local-0: ready, shards 0/));
      expect(details.at(-1)).toBe(`worker ${worker.address}: ready, shards 3, 4, 5, 6, 7`);
      expect(await answer()).toBe(200);
      await worker.process.kill('SIGTERM');
      await untilReadiness((ready) => ready.missing_shards.join() === '4,5,6,7');
    });

    it('stay in use while Redis is down', async () => {
      await addWorker([0, 1, 2, 3, 4, 5, 6, 7]);
      await untilReadiness((ready) => ready.status === 'ready');
      await redis.kill();
      expect(await answer()).toBe(200);
      expect(await untilReadiness(() => true)).toMatchObject({ status: 'ready' });
    });
  },
);
