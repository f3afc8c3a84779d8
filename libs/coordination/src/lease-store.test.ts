import { randomUUID } from 'node:crypto';
import { HAS_REDIS_SERVER, startRedisServer, type RedisServer } from '@ringmesh/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock, type Clock } from './clock.js';
import type { LeaseStore } from './lease-store.js';
import { MemoryLeaseStore } from './memory-lease-store.js';
import { RedisLeaseStore } from './redis-lease-store.js';
import type { WorkerRecord } from './worker-record.js';
import { WorkerRegistry } from './worker-registry.js';

/** Goes on only when told to. */
class ManualClock implements Clock {
  private time = 0;
  private readonly timers = new Set<{ ms: number; next: number; tick: () => void }>();

  now(): number {
    return this.time;
  }

  every(ms: number, tick: () => void): () => void {
    const timer = { ms, next: this.time + ms, tick };
    this.timers.add(timer);
    return () => this.timers.delete(timer);
  }

  advance(ms: number): void {
    this.time += ms;
    for (const timer of this.timers) {
      if (timer.next > this.time) continue;
      timer.next = this.time + timer.ms;
      timer.tick();
    }
  }
}

/** A place to keep leases: a new one for each test, which several processes may open. */
interface Backend {
  clock: Clock;
  open(): Promise<LeaseStore>;
  /** Lets a little time pass where time is not real. */
  advance(): void;
}

let redis: RedisServer | undefined;
if (HAS_REDIS_SERVER) {
  beforeAll(async () => {
    redis = await startRedisServer();
  });
  afterAll(() => redis?.kill());
}

const backends: { name: string; available: boolean; create: () => Backend }[] = [
  {
    name: 'MemoryLeaseStore',
    available: true,
    create: () => {
      const clock = new ManualClock();
      const store = new MemoryLeaseStore(clock);
      return { clock, open: async () => store, advance: () => clock.advance(20) };
    },
  },
  {
    name: 'RedisLeaseStore',
    available: HAS_REDIS_SERVER,
    create: () => {
      const keyPrefix = `test-${randomUUID()}`;
      return { clock: systemClock, open: () => RedisLeaseStore.connect(redis!.url, { keyPrefix }), advance: () => undefined };
    },
  },
];

for (const { name, available, create } of backends) {
  describe.skipIf(!available)(available ? name : `${name} (redis-server is not installed)`, () => {
    let backend: Backend;
    let store: LeaseStore;
    let other: LeaseStore;

    beforeEach(async () => {
      backend = create();
      [store, other] = await Promise.all([backend.open(), backend.open()]);
    });
    afterEach(async () => {
      await Promise.all([store.close(), other.close()]);
    });

    /** Waits, while time passes, until `check` no longer throws. */
    const eventually = (check: () => void | Promise<void>) =>
      vi.waitFor(
        async () => {
          backend.advance();
          await check();
        },
        { timeout: 10_000, interval: 10 },
      );

    describe('store', () => {
      it('shows what one connection put to another', async () => {
        await store.put('a', 'first', 60_000);
        await store.put('b', 'second', 60_000);
        await store.put('a', 'third', 60_000);
        expect(Object.fromEntries(await other.read())).toEqual({ a: 'third', b: 'second' });
      });

      it('drops a record when its lease ends, and not before', async () => {
        await store.put('short', 'x', 100);
        await store.put('long', 'x', 60_000);
        expect([...(await store.read()).keys()].sort()).toEqual(['long', 'short']);
        await eventually(async () => expect([...(await other.read()).keys()]).toEqual(['long']));
      });

      it('renews a lease', async () => {
        await store.put('renewed', 'x', 100);
        await store.put('renewed', 'x', 60_000);
        await store.put('witness', 'x', 110);
        await eventually(async () => expect([...(await store.read()).keys()]).toEqual(['renewed']));
      });

      it('removes a record', async () => {
        await store.put('a', 'x', 60_000);
        await other.remove('a');
        await other.remove('never there');
        expect((await store.read()).size).toBe(0);
      });

      it('tells others of what came, changed or went, and not of renewals', async () => {
        const heard = vi.fn();
        other.onChange(heard);
        const heardAfter = async (change: Promise<void>) => {
          await change;
          await other.read(); // what was told before comes before the answer
          return heard.mock.calls.length;
        };
        expect(await heardAfter(store.put('a', 'x', 60_000))).toBe(1);
        expect(await heardAfter(store.put('a', 'y', 60_000))).toBe(2);
        expect(await heardAfter(store.put('a', 'y', 60_000))).toBe(2);
        expect(await heardAfter(store.remove('a'))).toBe(3);
        expect(await heardAfter(store.remove('a'))).toBe(3);
      });

      it('stops telling', async () => {
        const [stopped, heard] = [vi.fn(), vi.fn()];
        other.onChange(stopped)();
        other.onChange(heard);
        await store.put('a', 'x', 60_000);
        await eventually(() => expect(heard).toHaveBeenCalled());
        expect(stopped).not.toHaveBeenCalled();
      });
    });

    describe('registry', () => {
      const leaseMs = 300;
      const worker: WorkerRecord = {
        id: 'w1',
        address: '127.0.0.1:7001',
        shards: [0, 1, 5],
        packId: 'pack',
        threads: 2,
        device: 'cpu',
        draining: false,
      };
      let warnings: string[];
      let workers: WorkerRegistry;
      let routers: WorkerRegistry;

      beforeEach(() => {
        warnings = [];
        const options = { leaseMs, clock: backend.clock, onWarning: (message: string) => warnings.push(message) };
        workers = new WorkerRegistry(store, options);
        routers = new WorkerRegistry(other, options);
      });
      afterEach(async () => {
        await Promise.all([workers.close(), routers.close()]);
      });

      it('lists workers by id', async () => {
        await workers.register({ ...worker, id: 'w2' });
        await workers.register(worker);
        expect(await routers.list()).toEqual([worker, { ...worker, id: 'w2' }]);
      });

      it('shows a watcher what comes, changes and goes', async () => {
        const seen: WorkerRecord[][] = [];
        routers.watch((list) => seen.push(list));
        await eventually(() => expect(seen).toEqual([[]]));
        const lease = await workers.register(worker);
        await eventually(() => expect(seen.slice(1)).toEqual([[worker]]));
        await lease.update({ draining: true });
        await eventually(() => expect(seen.slice(2)).toEqual([[{ ...worker, draining: true }]]));
        await lease.release();
        await eventually(() => expect(seen.slice(3)).toEqual([[]]));
      });

      it('shows a stopped watcher nothing', async () => {
        const [stopped, seen] = [vi.fn(), vi.fn()];
        routers.watch(stopped)();
        routers.watch(seen);
        await workers.register(worker);
        await eventually(() => expect(seen).toHaveBeenLastCalledWith([worker]));
        expect(stopped).not.toHaveBeenCalled();
      });

      it('renews a lease for as long as the worker lives', async () => {
        await workers.register(worker);
        // A second lease without a heartbeat, and three times as long, tells that the time is over.
        await other.put('witness', '{}', 3 * leaseMs);
        await eventually(async () => expect([...(await other.read()).keys()]).toEqual(['w1']));
      });

      it('drops a worker that is not heard of, and takes it back when it is', async () => {
        const seen: string[][] = [];
        routers.watch((list) => seen.push(list.map(({ id }) => id)));
        await workers.register(worker);
        await eventually(() => expect(seen.at(-1)).toEqual(['w1']));
        const put = vi.spyOn(store, 'put').mockResolvedValue(); // its heartbeats get lost on the way
        await eventually(() => expect(seen.at(-1)).toEqual([]));
        put.mockRestore();
        await eventually(() => expect(seen.at(-1)).toEqual(['w1']));
      });

      it('takes its workers off the list when it closes', async () => {
        await workers.register(worker);
        const [before] = await routers.list();
        await workers.close();
        expect(before).toEqual(worker);
        expect(await routers.list()).toEqual([]);
      });

      it('skips records that it cannot read, with one warning each', async () => {
        await store.put('not JSON', '{', 60_000);
        await store.put('too long', JSON.stringify({ ...worker, id: 'x'.repeat(20_000) }), 60_000);
        await store.put('w3', JSON.stringify({ ...worker, id: 'w3', shards: [3, 3] }), 60_000);
        await store.put('w4', JSON.stringify(worker), 60_000);
        await workers.register(worker);
        expect(await routers.list()).toEqual([worker]);
        expect(await routers.list()).toEqual([worker]);
        expect(warnings).toEqual(
          expect.arrayContaining([
            expect.stringMatching(/"not JSON".*JSON/),
            expect.stringMatching(/"too long".*16384 characters/),
            expect.stringMatching(/"w3".*shards must be/),
            expect.stringMatching(/"w4".*id must be/),
          ]),
        );
        expect(warnings).toHaveLength(4);
      });
    });
  });
}
