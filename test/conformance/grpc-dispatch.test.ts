import { InvalidOptionError } from '@ringmesh/core';
import { describeWorker, type GrpcDispatchOptions } from '@ringmesh/dispatch';
import type { TinyExperts } from '@ringmesh/testing';
import { rmSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { expectClose, expectedPartials, makeBatch, makePack, Router } from './remote-workers.js';
import { startWorkerProcess, type WorkerProcess } from './worker-process.js';

let pack: TinyExperts;
beforeAll(async () => {
  pack = await makePack();
});
afterAll(() => rmSync(pack.packDir, { recursive: true }));

const processes: WorkerProcess[] = [];
const routers: Router[] = [];
afterEach(async () => {
  await Promise.all(routers.splice(0).map(({ dispatch }) => dispatch.close()));
  for (const worker of processes.splice(0)) {
    worker.kill('SIGKILL');
    await worker.ended;
  }
});

async function startWorker(listen = '127.0.0.1:0', maxTokens = '64'): Promise<WorkerProcess> {
  const worker = await startWorkerProcess({ pack: pack.packDir, listen, maxTokens });
  processes.push(worker);
  return worker;
}

function connect(addresses: string[], options: Partial<GrpcDispatchOptions> = {}): Router {
  const router = new Router(addresses, pack, options);
  routers.push(router);
  return router;
}

// One expert of each of the first three shards.
const batch = makeBatch(5, [0, 3, 5]);

describe('GrpcDispatch', () => {
  it.each([
    ['f32', 5],
    ['f16', 2],
    ['bf16', 1],
  ] as const)('carries hidden states and partial sums as %s', async (dtype, digits) => {
    const router = connect([(await startWorker()).address], { dtype });
    expectClose(await router.compute(await router.ready(), batch), expectedPartials(pack, batch), digits);
    expect(router.history).toEqual(expect.arrayContaining(['connecting', 'ready']));
  });

  it('says why a worker cannot be reached, fails its requests at once, and takes it when it comes, and comes back', async () => {
    const { address, kill, ended } = await startWorker();
    kill('SIGTERM');
    expect(await ended).toBe(0);

    const router = connect([address]);
    const absent = await router.until(({ state }) => state === 'unreachable');
    expect(describeWorker(absent)).toMatch(new RegExp(`^worker ${address}: unreachable \\(.*ECONNREFUSED`));
    expect(absent.shards).toEqual([]);
    expect(await router.exchange(absent, batch)).toEqual({ failure: expect.stringMatching(/^unreachable: .*ECONNREFUSED/) as string });

    const first = await startWorker(address);
    expect(describeWorker(await router.ready())).toBe(`worker ${address}: ready, shards 0, 1, 2, 3`);
    expectClose(await router.compute(router.workers[0]!, batch), expectedPartials(pack, batch));

    first.kill('SIGSTOP');
    const pending = router.exchange(router.workers[0]!, batch);
    first.kill('SIGKILL');
    expect(await pending).toEqual({ failure: expect.stringMatching(/ECONNRESET|dropped|ended|closed/i) as string });

    await router.until(({ state }) => state === 'unreachable');
    await startWorker(address);
    const back = await router.ready();
    expect(back.channels).toBe(absent.channels);
    expectClose(await router.compute(back, batch), expectedPartials(pack, batch));
  });

  it('gives a request up when its time is over, and drops the late answer', async () => {
    const worker = await startWorker();
    const router = connect([worker.address], { timeoutMs: 200 });
    const host = await router.ready();
    worker.kill('SIGSTOP');
    expect(await router.exchange(host, batch)).toEqual({ failure: 'no answer within 200 ms' });
    worker.kill('SIGCONT');
    const other = makeBatch(2, [1, 7], 2);
    expectClose(await router.compute(host, other), expectedPartials(pack, other));
  });

  it('gives each request up when its own time is over', async () => {
    const worker = await startWorker();
    const router = connect([worker.address], { timeoutMs: 400 });
    const impatient = connect([worker.address], { timeoutMs: 100 });
    const [host, other] = await Promise.all([router.ready(), impatient.ready()]);
    worker.kill('SIGSTOP');
    const first = router.exchange(host, batch, 0);
    expect(await impatient.exchange(other, batch)).toEqual({ failure: 'no answer within 100 ms' });
    const sentAt = performance.now();
    const second = router.exchange(host, batch, 1);
    expect(await first).toEqual({ failure: 'no answer within 400 ms' });
    expect(performance.now() - sentAt).toBeLessThan(400);
    expect(await second).toEqual({ failure: 'no answer within 400 ms' });
    expect(performance.now() - sentAt).toBeGreaterThanOrEqual(399);
  });

  it('does not use a worker of another pack, or one that takes too few tokens', async () => {
    const { address } = await startWorker('127.0.0.1:0', '15');
    const other = connect([address], { expected: { packId: 'f00d'.repeat(16), name: 'other' } });
    const mismatch = await other.until(({ state }) => state === 'mismatch');
    expect(mismatch.shards).toEqual([]);
    expect(mismatch.detail).toBe(
      `it serves pack ${pack.manifest.packId.slice(0, 12)} (tiny-experts), this router f00df00df00d (other): start both with the same pack`,
    );
    expect(await other.exchange(mismatch, batch)).toEqual({ failure: `mismatch: ${mismatch.detail}` });

    const small = await connect([address]).until(({ state }) => state === 'mismatch');
    expect(small.detail).toMatch(/takes 15 tokens a request, this router sends up to 16: start it with --max-tokens 16/);
  });

  it('sees that a worker drains', async () => {
    const worker = await startWorker();
    const router = connect([worker.address]);
    await router.ready();
    worker.kill('SIGTERM');
    expect((await router.until(({ state }) => state !== 'ready')).shards).toEqual([]);
    expect(await worker.ended).toBe(0);
  });

  it('adds and removes workers while it runs', async () => {
    const [first, second] = await Promise.all([startWorker(), startWorker()]);
    const router = connect([first.address]);
    const removed = await router.ready();
    first.kill('SIGSTOP');
    const pending = router.exchange(removed, batch);
    router.dispatch.setWorkers([second.address]);
    expect(await pending).toEqual({ failure: 'it was removed from the list of workers' });
    expect(router.workers.map(({ address }) => address)).toEqual([second.address]);
    expectClose(await router.compute(await router.ready(), batch), expectedPartials(pack, batch));

    first.kill('SIGCONT');
    router.dispatch.setWorkers([first.address]);
    const again = await router.ready();
    expect(again.channels).not.toBe(removed.channels);
    expectClose(await router.compute(again, batch), expectedPartials(pack, batch));
  });

  it('fails what is in flight when it is closed', async () => {
    const worker = await startWorker();
    const router = connect([worker.address]);
    const host = await router.ready();
    worker.kill('SIGSTOP');
    const pending = router.exchange(host, batch);
    await router.dispatch.close();
    expect(await pending).toEqual({ failure: 'this router is shutting down' });
  });

  it('rejects addresses that are none, and plain text to other machines', () => {
    expect(() => connect(['localhost'])).toThrow(InvalidOptionError);
    expect(() => connect(['10.0.0.1:7000'])).toThrow(/--workers: 10\.0\.0\.1 is not this machine.*--tls-ca.*--allow-insecure/);
  });
});
