import { stat } from 'node:fs/promises';
import type { Logger } from '@ringmesh/telemetry';
import type { RouterOptions } from '../options.js';
import type { ApiKeys } from './api-keys.js';
import { readApiKeys } from './read-api-keys.js';

type KeyOptions = Pick<RouterOptions, 'apiKeys' | 'apiKeysFile' | 'apiKeysIntervalMs'>;

export interface KeyListener {
  log: Logger;
  /** Is told of the keys that are in force from now on. */
  onChange: (keys: ApiKeys) => void;
}

/** The keys of the command line and of a file, which is read again when it changes. */
export class FollowedApiKeys {
  private isLooking = false;
  /** The version of the file whose problem has been told. */
  private warnedOf: string | null = null;

  private constructor(
    private readonly options: KeyOptions,
    private keys: ApiKeys,
    /** Of the file that the keys are from. */
    private version: string | null,
  ) {}

  /** @throws InvalidOptionError for keys that cannot be used */
  static async read(options: KeyOptions): Promise<FollowedApiKeys> {
    // The version first: what changes while the file is read is then seen as a change.
    const version = await versionOf(options.apiKeysFile);
    return new FollowedApiKeys(options, await readApiKeys(options), version);
  }

  get current(): ApiKeys {
    return this.keys;
  }

  /** Looks at the file from now on. @returns what ends it */
  follow(listener: KeyListener): () => void {
    if (this.options.apiKeysFile === undefined) return () => undefined;
    const timer = setInterval(() => void this.look(listener), this.options.apiKeysIntervalMs).unref();
    return () => clearInterval(timer);
  }

  /** Takes the keys of a file that has changed. One that cannot be used changes nothing; it is told of once, and read again at each look. */
  async look({ log, onChange }: KeyListener): Promise<void> {
    if (this.isLooking) return; // a slow disk
    this.isLooking = true;
    const version = await versionOf(this.options.apiKeysFile);
    const read = version === this.version ? this.keys : await readApiKeys(this.options).catch((error: unknown) => error as Error);
    this.isLooking = false;
    if (read instanceof Error) {
      if (version !== this.warnedOf) log.warn(`${read.message}; the keys that were read before stay in force`);
      this.warnedOf = version;
      return;
    }
    this.warnedOf = null;
    this.version = version;
    if (read === this.keys) return;
    this.keys = read;
    onChange(read);
    log.info({ apiKeys: read.list.length }, 'the file of API keys has changed, and its keys are in force');
  }
}

/** Differs where the file has changed, or the link to it: Kubernetes changes mounted files by changing a link. */
async function versionOf(path: string | undefined): Promise<string | null> {
  if (path === undefined) return null;
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  return found === undefined ? 'missing' : [found.dev, found.ino, found.size, found.mtimeNs, found.ctimeNs].join(' ');
}
