import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';

/** Whether this machine has Debian's redis-server; tests that need it skip themselves without. */
export const HAS_REDIS_SERVER = spawnSync('redis-server', ['--version']).status === 0;

export interface RedisServer {
  url: string;
  port: number;
  pid: number;
  /** Kills it, as a crash would. */
  kill(): Promise<void>;
}

/** Starts an empty redis-server that keeps nothing on disk. @param port a free one if left out */
export async function startRedisServer(port?: number): Promise<RedisServer> {
  const listenPort = port ?? (await freePort());
  const args = ['--port', String(listenPort), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  const server = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: string[] = [];
  for await (const line of createInterface(server.stdout)) {
    lines.push(line);
    if (!line.includes('Ready to accept connections')) continue;
    server.stdout.resume();
    const kill = async () => {
      const exited = once(server, 'exit');
      if (server.kill('SIGKILL')) await exited;
    };
    return { url: `redis://127.0.0.1:${listenPort}`, port: listenPort, pid: server.pid!, kill };
  }
  throw new Error(`redis-server ended as it started:\n${lines.join('\n')}`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
