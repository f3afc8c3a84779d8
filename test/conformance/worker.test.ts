import { encodeForwardRequest, ForwardStatus, readPartials } from '@ringmesh/protocol';
import { HAS_REDIS_SERVER, startRedisServer, type TinyExperts, uniform, until } from '@ringmesh/testing';
import { PackLayout } from '@ringmesh/weights';
import { parseWorkerOptions, type RawWorkerOptions, type RunningWorker, startWorker } from '@ringmesh/worker';
import { RedisLeaseStore, WorkerRegistry } from '@ringmesh/coordination';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { ForwardClient } from './forward-client.js';
import { expectClose, expectedPartials, makeBatch, makePack, Router, shape } from './remote-workers.js';
import { makeTlsFiles } from './tls-files.js';

let pack: TinyExperts;
beforeAll(async () => {
  pack = await makePack();
});
afterAll(() => rmSync(pack.packDir, { recursive: true }));

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

async function start(options: RawWorkerOptions = {}): Promise<RunningWorker> {
  const worker = await startWorker(
    parseWorkerOptions({ pack: pack.packDir, listen: '127.0.0.1:0', threads: '1', logLevel: 'silent', maxTokens: '16', ...options }),
  );
  open.push(worker);
  return worker;
}

function connect({ address }: RunningWorker): ForwardClient {
  const client = new ForwardClient(address);
  open.push(client);
  return client;
}

/** A client of a worker whose experts are loaded. */
async function connectLoaded(worker: RunningWorker): Promise<ForwardClient> {
  const client = connect(worker);
  await until(
    () => client.info(),
    ({ shards }) => shards.length > 0,
  );
  return client;
}

const batch = makeBatch(3, [0, 3, 5]);
const header = { id: 7, timeoutMs: 5000, dtype: 'f32', traceparent: '' } as const;

const HEALTH_CHECK = '/grpc.health.v1.Health/Check';
/** HealthCheckResponse { status = 1 } */
const SERVING = Buffer.from([0x08, 1]);
const NOT_SERVING = Buffer.from([0x08, 2]);

describe('a worker', () => {
  it.each(['1', '3'])('computes the same on %s threads', async (threads) => {
    const client = await connectLoaded(await start({ threads }));
    const reply = await client.ask(encodeForwardRequest(batch, header));
    expect(reply).toMatchObject({ id: 7, status: ForwardStatus.STATUS_OK });
    const partials = new Float32Array(9 * shape.hiddenSize);
    expect(readPartials(reply, shape.hiddenSize, partials)).toBe(9);
    expectClose(partials, expectedPartials(pack, batch));
  });

  it.each(['1', '3'])('adds up the shards below the nodes that a request names, on %s threads', async (threads) => {
    const client = await connectLoaded(await start({ threads }));
    expect(await client.info()).toMatchObject({ addsShards: true });
    const reply = await client.ask(encodeForwardRequest({ ...batch, nodes: Int32Array.of(2, 3) }, header)); // shards 0 and 1; 2 and 3
    const partials = new Float32Array(6 * shape.hiddenSize);
    expect(readPartials(reply, shape.hiddenSize, partials)).toBe(6);
    const length = 3 * shape.hiddenSize; // of a shard, each of which has all three rows
    const ofShards = expectedPartials(pack, batch);
    const ofFirstNode = ofShards.slice(0, length).map((value, index) => value + ofShards[length + index]!);
    expectClose(partials, [...ofFirstNode, ...ofShards.slice(2 * length)]);
  });

  it('answers bytes that are no request, and requests that are wrong, and goes on', async () => {
    const client = await connectLoaded(await start());
    const random = uniform(3);
    const garbage = [
      Buffer.alloc(0),
      ...Array.from({ length: 50 }, (_, length) => Buffer.from(Array.from({ length }, () => random() * 128 + 128))),
    ];
    for (const bytes of garbage) expect(await client.ask(bytes)).toMatchObject({ status: ForwardStatus.STATUS_INVALID_REQUEST });

    const wrong = [
      { ...batch, hidden: batch.hidden.subarray(1) },
      { ...batch, counts: Int32Array.of(3, 3, 2 ** 31 - 1) },
      { ...batch, experts: Int32Array.of(0, 3, 8) },
      { ...batch, rows: batch.rows.map(() => 0) },
      { ...batch, layer: 2 },
      { ...batch, numTokens: 2 ** 30 },
      { ...batch, nodes: Int32Array.of(2) },
      { ...batch, nodes: Int32Array.of(1, 3) },
    ];
    for (const [id, each] of wrong.entries()) {
      const reply = await client.ask(encodeForwardRequest(each, { ...header, id }));
      expect(reply).toMatchObject({
        id,
        status: ForwardStatus.STATUS_INVALID_REQUEST,
        message: expect.stringMatching(/^\w+\.\w+ /) as string,
      });
    }
    expect(await client.ask(encodeForwardRequest(batch, header))).toMatchObject({ id: 7, status: ForwardStatus.STATUS_OK });
  });

  it('refuses messages over its limit, and goes on', async () => {
    const worker = await start();
    const client = await connectLoaded(worker);
    client.write(Buffer.alloc(1 << 20));
    expect(await client.ended).toMatchObject({ details: expect.stringContaining('larger than max') as string });
    expect(await connect(worker).ask(encodeForwardRequest(batch, header))).toMatchObject({ status: ForwardStatus.STATUS_OK });
  });

  it('says which shard it does not host, and what it hosts', async () => {
    const client = await connectLoaded(await start({ shards: '0,2-3', threads: '2' }));
    expect(await client.ask(encodeForwardRequest(batch, header))).toMatchObject({
      status: ForwardStatus.STATUS_SHARD_NOT_HOSTED,
      message: 'shard 1 is not hosted here, only shard 0, 2, 3',
    });
    expect(await client.info()).toMatchObject({
      packId: pack.manifest.packId,
      shards: [0, 2, 3],
      assignedShards: [0, 2, 3],
      threads: 2,
      maxTokens: 16,
      draining: false,
    });
  });

  it('answers health checks, reflection, and HTTP probes and scrapes', async () => {
    const worker = await start();
    const client = await connectLoaded(worker);
    await client.ask(encodeForwardRequest(batch, header));
    await client.ask(encodeForwardRequest(batch, { ...header, timeoutMs: 0 }));
    const get = async (path: string): Promise<Response> => fetch(`http://${worker.metricsAddress}${path}`);

    expect(await client.unary(HEALTH_CHECK, Buffer.alloc(0))).toEqual(SERVING);
    const reflection = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo';
    const services = await client.firstReply(reflection, Buffer.from([0x3a, 0])); // list_services = 7
    for (const name of ['ringmesh.expert.v1.ExpertService', 'grpc.health.v1.Health']) expect(services.toString('latin1')).toContain(name);
    const symbol = Buffer.from('ringmesh.expert.v1.ExpertService');
    const file = await client.firstReply(reflection, Buffer.concat([Buffer.from([0x22, symbol.length]), symbol])); // file_containing_symbol = 4
    expect(file.toString('latin1')).toContain('ForwardRequest');
    expect([(await get('/health')).status, (await get('/ready')).status, (await get('/')).status]).toEqual([200, 200, 404]);
    const scrape = async (): Promise<string> => (await get('/metrics')).text();
    const text = await scrape();
    for (const line of [
      'ringmesh:worker_requests_total{status="ok"} 1',
      'ringmesh:worker_requests_total{status="invalid_request"} 1',
      'ringmesh:worker_tokens_total{layer_group="1-1",shard="0"} 3',
      'ringmesh:worker_tokens_total{layer_group="1-1",shard="3"} 0',
      'ringmesh:worker_queue_seconds_count 1',
      'ringmesh:worker_compute_seconds_count 1',
      'ringmesh:worker_in_flight 0',
      'ringmesh:worker_streams 1',
      'ringmesh:worker_hosted_shards 4',
    ])
      expect(text).toContain(`\n${line}\n`);
    client.close();
    await until(scrape, (scraped) => scraped.includes('\nringmesh:worker_streams 0\n'));
  });

  it('has metrics that promtool accepts, but for the colons in their names', async ({ skip }) => {
    const { metricsAddress } = await start();
    const input = await (await fetch(`http://${metricsAddress}/metrics`)).text();
    const { status, stderr, error } = spawnSync('promtool', ['check', 'metrics'], { input, encoding: 'utf8' });
    if (error !== undefined) skip('promtool is not installed (Debian: apt install prometheus): /metrics was NOT checked');
    expect(status, stderr).toBe(3); // the format is right; lint complains of the colons, which our names have as vLLM's do
    const complaints = stderr.split('\n').filter((line) => line !== '' && !line.endsWith(" metric names should not contain ':'"));
    expect(complaints).toEqual([]);
  });

  it('drains: what came is answered, what comes is refused, streams end', async () => {
    const worker = await start();
    const client = await connectLoaded(worker);
    const watching = new AbortController(); // an open call keeps the worker from ending before the scrape below
    await connect(worker).firstReply('/grpc.health.v1.Health/Watch', Buffer.alloc(0), watching.signal);
    for (let id = 1; id <= 40; id++) client.write(encodeForwardRequest(batch, { ...header, id }));
    const first = await client.next();
    const closed = worker.close();
    expect(await client.ended).toMatchObject({ code: 0, details: 'OK' });
    const scrape = await (await fetch(`http://${worker.metricsAddress}/metrics`)).text();
    watching.abort();
    const counts = [...scrape.matchAll(/^ringmesh:worker_requests_total\{.*\} (\d+)$/gm)].map(([, count]) => Number(count));
    const { STATUS_OK, STATUS_DRAINING } = ForwardStatus;
    const replies = [first, ...client.replies];
    const ids = replies.map(({ id }) => id).sort((a, b) => a - b);
    expect(ids).toEqual(replies.map((_, index) => index + 1));
    expect(counts.reduce((sum, count) => sum + count)).toBe(replies.length);
    expect(replies.filter(({ status }) => status !== STATUS_OK && status !== STATUS_DRAINING)).toEqual([]);
    await closed;
    await expect(client.info()).rejects.toThrow('UNAVAILABLE');
  });

  it('ends soon though a call to it does not', { timeout: 5000 }, async () => {
    const worker = await start();
    await connect(worker).firstReply('/grpc.health.v1.Health/Watch', Buffer.alloc(0));
    await worker.close();
  });

  it('ends its streams though their connection is due for a ping', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'], shouldAdvanceTime: true });
    onTestFinished(() => void vi.useRealTimers());
    const worker = await start();
    const client = await connectLoaded(worker);
    await client.ask(encodeForwardRequest(batch, header));
    vi.advanceTimersByTime(9500);
    const closed = worker.close();
    await new Promise(setImmediate);
    vi.advanceTimersByTime(900); // a ping is due every 10 s
    vi.useRealTimers();
    expect(await client.ended).toMatchObject({ code: 0, details: 'OK' });
    await closed;
  });

  it('that is closed while it loads ends without a complaint', async () => {
    const worker = await start();
    const lost = worker.lost();
    await worker.close();
    expect(await Promise.race([lost, Promise.resolve('still fine')])).toBe('still fine');
  });

  it('says what it cannot load', async () => {
    const broken = await makePack();
    rmSync(new PackLayout(broken.packDir).expertGraph(1, 0, 2));
    const worker = await start({ pack: broken.packDir });
    expect(await worker.lost()).toMatch(/shards\/01\/layer-000-expert-002\.onnx/);
    const client = connect(worker);
    expect(await client.unary(HEALTH_CHECK, Buffer.alloc(0))).toEqual(NOT_SERVING);
    expect((await fetch(`http://${worker.metricsAddress}/ready`)).status).toBe(503);
    expect(await client.info()).toMatchObject({ shards: [], assignedShards: [0, 1, 2, 3] });
    expect(await client.ask(encodeForwardRequest(batch, header))).toMatchObject({ status: ForwardStatus.STATUS_SHARD_NOT_HOSTED });
    rmSync(broken.packDir, { recursive: true });
  });

  it('does not start where it cannot, and says how to mend it', async () => {
    const { address, metricsAddress } = await start();
    const portOf = (text: string): string => text.split(':')[1]!;
    await expect(start({ listen: address })).rejects.toThrow(`--listen: cannot listen on ${address}`);
    await expect(start({ metricsPort: portOf(metricsAddress) })).rejects.toThrow(
      expect.objectContaining({ name: 'ListenFailedError', field: '--metrics-port' }),
    );
    await expect(start({ shards: '3-4' })).rejects.toThrow('--shards: there is no shard 4; this pack has shards 0 to 3');
    await expect(start({ pack: tmpdir() })).rejects.toThrow(expect.objectContaining({ name: 'PackInvalidError' }));
    await expect(start({ listen: '0.0.0.0:0' })).rejects.toThrow('--allow-insecure');
  });

  it('talks to routers whose certificate its authority signed, and to no others', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'worker-tls-'));
    const [ours, theirs] = [makeTlsFiles(folder, 'ours'), makeTlsFiles(folder, 'theirs')];
    const { address } = await start({ tlsCa: ours.ca, tlsCert: ours.cert, tlsKey: ours.key });
    const port = address.split(':')[1]!;
    const routers = [{ tls: ours }, { tls: { ...theirs, ca: ours.ca } }, { tls: { ...ours, ca: theirs.ca } }, {}].map((security) => {
      const router = new Router([`localhost:${port}`], pack, { security });
      open.push(router.dispatch);
      return router;
    });
    const [known, stranger, distrustful, plain] = routers as [Router, Router, Router, Router];
    expectClose(await known.compute(await known.ready(), batch), expectedPartials(pack, batch));
    for (const router of [stranger, distrustful, plain]) {
      const { shards, detail } = await router.until(({ state }) => state === 'unreachable');
      expect(shards).toEqual([]);
      expect(detail).not.toBe('');
    }
    rmSync(folder, { recursive: true });
  });

  it.skipIf(!HAS_REDIS_SERVER)('registers where routers look for it, and leaves when it is closed', async () => {
    const redis = await startRedisServer();
    open.push({ close: () => redis.kill() });
    const worker = await start({ redisUrl: redis.url, advertise: 'worker-0:7000', shards: '1' });
    const registry = new WorkerRegistry(await RedisLeaseStore.connect(redis.url), { onWarning: (message) => expect.unreachable(message) });
    open.push(registry);
    expect(await registry.list()).toMatchObject([{ address: 'worker-0:7000', shards: [1], packId: pack.manifest.packId, draining: false }]);
    await worker.close();
    expect(await registry.list()).toEqual([]);
  });
});
