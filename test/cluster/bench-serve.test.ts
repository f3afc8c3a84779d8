import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RingmeshProcess, SAMPLE_MODEL } from '@ringmesh/testing';
import { afterEach, describe, expect, it } from 'vitest';

/** `ringmesh bench serve` as a user runs it. */

const servers: Server[] = [];
const processes: RingmeshProcess[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
  await Promise.all(processes.splice(0).map((process) => process.kill()));
});

async function bench(...args: string[]): Promise<{ exitCode: number | NodeJS.Signals; output: string }> {
  const process = new RingmeshProcess(['bench', 'serve', ...args]);
  const exitCode = await process.ended;
  return { exitCode, output: process.output };
}

/** A server with a model `m` whose answers `listener` gives. */
async function serverWith(listener: RequestListener, modelsStatus = 200): Promise<string> {
  const server = createServer((request, response) => {
    if (request.url === '/v1/models') response.writeHead(modelsStatus).end('{"data":[{"id":"m"}]}');
    else listener(request, response);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

it('measures a real server in both loops', async () => {
  const serve = new RingmeshProcess(['serve', '--model', SAMPLE_MODEL, '--port', '0']);
  processes.push(serve);
  const url = await serve.line(/ at (http:\S+)\/v1/);
  const args = ['--url', url, '--num-prompts', '6', '--output-len', '8', '--ignore-eos', '--json', '--goodput', 'ttft:60000'];
  for (const loop of [
    ['--concurrency', '2', '--endpoint', 'completions'],
    ['--request-rate', '50'],
  ]) {
    const { exitCode, output } = await bench(...args, ...loop);
    expect(exitCode).toBe(0);
    const report = JSON.parse(output) as Record<string, number> & { latencies: Record<string, Record<string, number>> };
    expect(report).toMatchObject({ completed: 6, failed: 0, errors: {} });
    expect(report['outputTokensPerSecond']! * report['seconds']!).toBeCloseTo(48, 5);
    expect(report['goodput']).toBeCloseTo(report['requestsPerSecond']!, 9);
    expect(report.latencies['e2e']!['p50']).toBeGreaterThan(report.latencies['ttft']!['p50']!);
  }
});

describe('a server that fails', () => {
  it.each<[string, RequestListener]>([
    ['status 503', (_, response) => response.writeHead(503).end()],
    ['cut stream', (_, response) => response.end('data: {"choices":[{"text":"a"}]}\n\n')],
    ['no usage', (_, response) => response.end('data: [DONE]\n\n')],
    ['no usage', (_, response) => response.end('data: {"usage":{"prompt_tokens":1}}\n\ndata: [DONE]\n\n')],
    ['event too long', (_, response) => response.end(`data: ${'x'.repeat(2 ** 21)}\n\n`)],
    ['malformed event', (_, response) => response.end('data: {\n\n')],
    ['error in the stream', (_, response) => response.end('data: {"error":{"message":"x"}}\n\n')],
    ['timeout', (_, response) => response.write('data: {"choices":[{"text":"a"}]}\n\n')],
    ['connection: UND_ERR_SOCKET', (_, response) => response.destroy()],
  ])('%s is told by kind, with exit code 1', async (kind, listener) => {
    const url = await serverWith(listener);
    const timeout = kind === 'timeout' ? '500ms' : '60s';
    const { exitCode, output } = await bench('--url', url, '--num-prompts', '3', '--warmup', '0', '--timeout', timeout, '--json');
    expect(JSON.parse(output)).toMatchObject({ completed: 0, failed: 3, errors: { [kind]: 3 } });
    expect(exitCode).toBe(1);
  });

  it('is not hammered', async () => {
    let asked = 0;
    const url = await serverWith((_, response) => {
      asked++;
      response.writeHead(500).end();
    });
    await bench('--url', url, '--concurrency', '1', '--duration', '1s', '--num-prompts', '10000', '--warmup', '0');
    expect(asked).toBeGreaterThan(1);
    expect(asked).toBeLessThan(8);
  });

  it('Ctrl-C prints what was measured', async () => {
    let asked = 0;
    const url = await serverWith((_, response) => {
      if (++asked > 2) return void process.kill('SIGINT');
      response.end('data: {"choices":[{"text":"a"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}\n\ndata: [DONE]\n\n');
    });
    const process = new RingmeshProcess(['bench', 'serve', '--url', url, '--concurrency', '1', '--warmup', '0']);
    expect(await process.ended).toBe(130);
    expect(process.output).toContain('m: 2 requests answered, 0 failed');
  });
});

it.each([
  [['--url', 'nonsense'], '--url: "nonsense" is not a URL'],
  [['--url', 'http://127.0.0.1:1'], 'cannot be reached'],
  [['--url', 'http://127.0.0.1:1', '--goodput', 'itl:5'], '--goodput: "itl:5"'],
  [['--url', 'http://127.0.0.1:1', '--goodput', 'ttft:5', '--min-goodput', '95'], '--min-goodput: "95"'],
  [['--url', 'http://127.0.0.1:1', '--min-goodput', '0.9'], '--min-goodput: give the limits'],
  [['--url', 'http://127.0.0.1:1', '--request-rate', '0'], '--request-rate: "0"'],
  [['--url', 'http://127.0.0.1:1', '--request-rate', '1', '--concurrency', '1'], 'exclude each other'],
])('%j is refused', async (args, message) => {
  const { exitCode, output } = await bench(...args);
  expect(output).toContain(message);
  expect(exitCode).toBe(2);
});

it('measures a server that lists no models, draws what it measured, and exits with 1 where too few requests were fast enough', async () => {
  const answer = 'data: {"choices":[{"text":"a"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}\n\ndata: [DONE]\n\n';
  const url = await serverWith((_, response) => response.end(answer), 404);
  const folder = await mkdtemp(join(tmpdir(), 'ringmesh-bench-serve-'));
  const svg = join(folder, 'load.svg');
  expect((await bench('--url', url)).output).toContain('--model: ');
  const args = ['--url', url, '--model', 'x', '--num-prompts', '4', '--svg', svg];
  expect(await bench(...args, '--goodput', 'ttft:60000', '--min-goodput', '1')).toMatchObject({ exitCode: 0 });
  const slow = await bench(...args, '--goodput', 'ttft:0', '--min-goodput', '0.5');
  expect(slow.output).toContain('0.0 % of the requests kept the limits of --goodput');
  expect(slow.exitCode).toBe(1);
  expect(await readFile(svg, 'utf8')).toContain('x: 4 requests');
  await rm(folder, { recursive: true });
});

it('a wrong model and a wrong key are told', async () => {
  const url = await serverWith(() => undefined);
  expect((await bench('--url', url, '--model', 'x')).output).toContain('--model: the server has no "x", but m');
  const server = createServer((_, response) => response.writeHead(401).end());
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const refusing = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  expect((await bench('--url', refusing, '--api-key', 'k')).output).toContain('--api-key: the server refused it with status 401');
});
