import { readFileSync } from 'node:fs';
import { CoordinationUnavailableError, InvalidOptionError } from '@ringmesh/core';
import { Redis } from 'ioredis';
import { DEFAULT_KEY_PREFIX, redisKeys } from './keys.js';
import type { LeaseStore } from './lease-store.js';

export interface RedisOptions {
  keyPrefix?: string;
  /** How long {@link RedisLeaseStore.connect} waits for Redis to answer. */
  connectTimeoutMs?: number;
}

/** A command that takes longer has failed: callers hold to their last known state instead of waiting. */
const COMMAND_TIMEOUT_MS = 2_000;
const MAX_RECONNECT_DELAY_MS = 1_000;

const script = (name: string) => readFileSync(new URL(`../scripts/${name}.lua`, import.meta.url), 'utf8');
const PUT = script('put');
const REMOVE = script('remove');
const READ = script('read');

/** Leases in Redis 6.2 or newer, timed by the server's clock. It reconnects by itself; until then every method fails at once. */
export class RedisLeaseStore implements LeaseStore {
  private readonly listeners = new Set<() => void>();

  private constructor(
    private readonly redis: Redis,
    private readonly keys: ReturnType<typeof redisKeys>,
    private readonly server: string,
  ) {
    redis.on('message', () => this.notify());
    // What was published while the connection was down is lost.
    redis.on('ready', () => this.notify());
  }

  /**
   * @param url `redis://[user:password@]host:port[/db]`, or `rediss://` for TLS: the value of REDIS_URL.
   * @throws InvalidOptionError if it is no such URL; CoordinationUnavailableError if Redis does not answer in time.
   */
  static async connect(
    url: string,
    { keyPrefix = DEFAULT_KEY_PREFIX, connectTimeoutMs = 5_000 }: RedisOptions = {},
  ): Promise<RedisLeaseStore> {
    const server = serverOf(url);
    const redis = new Redis(url, {
      connectionName: 'ringmesh',
      connectTimeout: connectTimeoutMs,
      commandTimeout: COMMAND_TIMEOUT_MS,
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      retryStrategy: (attempt) => Math.min(attempt * 100, MAX_RECONNECT_DELAY_MS),
    });
    const keys = redisKeys(keyPrefix);
    try {
      await answered(redis, connectTimeoutMs);
      await redis.subscribe(keys.workerChanges);
    } catch (cause) {
      redis.disconnect();
      throw unavailable(server, cause);
    }
    return new RedisLeaseStore(redis, keys, server);
  }

  async put(id: string, record: string, leaseMs: number): Promise<void> {
    await this.run(PUT, this.keys.workerChanges, id, record, leaseMs);
  }

  async remove(id: string): Promise<void> {
    await this.run(REMOVE, this.keys.workerChanges, id);
  }

  async read(): Promise<Map<string, string>> {
    const flat = (await this.run(READ)) as string[];
    return new Map(flat.flatMap((id, index) => (index % 2 === 0 ? [[id, flat[index + 1]!]] : [])));
  }

  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.listeners.clear();
    this.redis.disconnect();
  }

  private async run(lua: string, ...args: (string | number)[]): Promise<unknown> {
    try {
      return await this.redis.eval(lua, 2, this.keys.workerRecords, this.keys.workerLeases, ...args);
    } catch (cause) {
      throw unavailable(this.server, cause);
    }
  }

  private notify(): void {
    for (const listener of this.listeners) listener();
  }
}

/** The URL without its password, for messages. */
function serverOf(url: string): string {
  const { protocol, host } = URL.parse(url) ?? {};
  if ((protocol !== 'redis:' && protocol !== 'rediss:') || !host) {
    throw new InvalidOptionError('REDIS_URL must look like redis://host:6379 or rediss://user:password@host:6379.', { field: 'REDIS_URL' });
  }
  return `${protocol}//${host}`;
}

/** Resolves when Redis takes commands, and rejects with the last error of its connection when `timeoutMs` are over. */
function answered(redis: Redis, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let lastError = new Error('no answer');
    const timer = setTimeout(() => reject(lastError), timeoutMs);
    // Stays: ioredis prints errors that nobody listens to, and later ones reach the caller of the command that failed.
    redis.on('error', (error: Error) => (lastError = error));
    redis.once('ready', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

function unavailable(server: string, cause: unknown): CoordinationUnavailableError {
  // Where a host name has several addresses, the error of all of them has a code and no message.
  const { message, code } = cause as NodeJS.ErrnoException;
  return new CoordinationUnavailableError(`Redis at ${server} is unavailable (${message || code}). Start it, or correct REDIS_URL.`, {
    field: 'REDIS_URL',
    cause,
  });
}
