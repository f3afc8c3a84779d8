import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { CoordinationUnavailableError, InvalidOptionError } from '@ringmesh/core';
import { HAS_REDIS_SERVER, startRedisServer, type RedisServer } from '@ringmesh/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RedisLeaseStore } from './redis-lease-store.js';
import type { WorkerRecord } from './worker-record.js';
import { WorkerRegistry } from './worker-registry.js';

const worker: WorkerRecord = { id: 'w1', address: 'host:7001', shards: [0], packId: 'p', threads: 1, device: 'cpu', draining: false };

describe('connecting', () => {
  it.each(['', 'localhost:6379', 'http://localhost:6379', 'redis://'])('rejects the URL %j', async (url) => {
    await expect(RedisLeaseStore.connect(url)).rejects.toThrow(InvalidOptionError);
  });

  it('names the server and REDIS_URL, and not the password, when nothing listens', async () => {
    const closed = createServer().listen(0, '127.0.0.1');
    await once(closed, 'listening');
    const { port } = closed.address() as AddressInfo;
    closed.close();
    const connecting = RedisLeaseStore.connect(`redis://user:secret@127.0.0.1:${port}`, { connectTimeoutMs: 200 });
    const error = await connecting.catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(CoordinationUnavailableError);
    expect(String(error)).toMatch(new RegExp(`redis://127.0.0.1:${port} .*ECONNREFUSED.*REDIS_URL`));
    expect(String(error)).not.toContain('secret');
  });

  it('does not wait longer than told for a server that says nothing', async () => {
    const sockets: Socket[] = [];
    const mute = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1');
    await once(mute, 'listening');
    const { port } = mute.address() as AddressInfo;
    await expect(RedisLeaseStore.connect(`redis://127.0.0.1:${port}`, { connectTimeoutMs: 200 })).rejects.toThrow(
      CoordinationUnavailableError,
    );
    for (const socket of sockets) socket.destroy();
    mute.close();
  });
});

describe.skipIf(!HAS_REDIS_SERVER)(HAS_REDIS_SERVER ? 'losing Redis' : 'losing Redis (redis-server is not installed)', () => {
  const leaseMs = 600;
  let redis: RedisServer;
  let warnings: string[];
  let workers: WorkerRegistry;
  let routers: WorkerRegistry;

  const openRegistry = async () =>
    new WorkerRegistry(await RedisLeaseStore.connect(redis.url), { leaseMs, onWarning: (message) => warnings.push(message) });
  const eventually = (check: () => void | Promise<void>) => vi.waitFor(check, { timeout: 15_000, interval: 10 });

  beforeEach(async () => {
    warnings = [];
    redis = await startRedisServer();
    [workers, routers] = await Promise.all([openRegistry(), openRegistry()]);
  });
  afterEach(async () => {
    await Promise.all([workers.close(), routers.close()]);
    await redis.kill();
  });

  it('keeps the list, and registers again with a Redis that comes back empty', async () => {
    const seen: string[][] = [];
    routers.watch((list) => seen.push(list.map(({ id }) => id)));
    const lease = await workers.register(worker);
    await eventually(() => expect(seen.at(-1)).toEqual(['w1']));

    await redis.kill();
    await eventually(() => expect(warnings.filter((message) => message.includes('REDIS_URL'))).toHaveLength(2));
    expect(await routers.list()).toEqual([worker]);
    await expect(workers.register({ ...worker, id: 'w2' })).rejects.toThrow(CoordinationUnavailableError);

    redis = await startRedisServer(redis.port);
    await eventually(() => expect(warnings.filter((message) => message.includes('answers again'))).toHaveLength(2));
    const fresh = await openRegistry();
    await eventually(async () => expect(await fresh.list()).toEqual([worker]));
    await fresh.close();
    await lease.release();
    await eventually(() => expect(seen.at(-1)).toEqual([]));
    expect(seen.slice(-2)).toEqual([['w1'], []]); // it never vanished meanwhile
  });

  it('drops a worker that did not come back with Redis', async () => {
    await workers.register(worker);
    expect(await routers.list()).toEqual([worker]);
    await redis.kill();
    await workers.close();
    redis = await startRedisServer(redis.port);
    await eventually(async () => expect(await routers.list()).toEqual([]));
  });

  it('does not hang on a Redis that hangs', async () => {
    await workers.register(worker);
    expect(await routers.list()).toEqual([worker]);
    process.kill(redis.pid, 'SIGSTOP');
    expect(await routers.list()).toEqual([worker]);
    process.kill(redis.pid, 'SIGCONT');
    await eventually(async () => {
      await routers.list();
      expect(warnings.some((message) => message.includes('answers again'))).toBe(true);
    });
  });
});
