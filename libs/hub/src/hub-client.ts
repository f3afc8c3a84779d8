import { CheckpointCorruptError, CheckpointMissingError, HubAccessDeniedError, HubUnavailableError } from '@ringmesh/core';
import type { Hub, Repository } from './hub.js';
import { TransientError } from './retries.js';

/** Reads an answer; its bytes come as they arrive, and no faster than they are taken. */
export type UseAnswer<T> = (headers: Headers, bytes: AsyncIterable<Uint8Array>) => Promise<T>;

export interface HubClientOptions {
  hub: Hub;
  repository: Repository;
  token?: string | undefined;
  signal: AbortSignal;
  /** A connection on which nothing comes for so long counts as cut. */
  stallMs: number;
}

/** Asks a hub for things, once each. The token goes to the hub's own origin only: neither to another one it links nor, as `fetch` sees to, behind a redirect. */
export class HubClient {
  private readonly origin: string;

  constructor(private readonly options: HubClientOptions) {
    this.origin = new URL(options.repository.endpoint).origin;
  }

  /**
   * @param what the file, or the list, in messages
   * @throws TransientError where it is worth another attempt
   * @throws CheckpointMissingError (404), HubAccessDeniedError (401, 403), CheckpointCorruptError (416), HubUnavailableError (any other refusal)
   */
  async get<T>(url: string, what: string, headers: Record<string, string>, use: UseAnswer<T>): Promise<T> {
    const { signal, stallMs } = this.options;
    const attempt = new AbortController();
    const stall = setTimeout(() => attempt.abort(new Error(`nothing came for ${stallMs / 1000} s`)), stallMs);
    try {
      const answer = await fetch(url, {
        // A hash is of the content as it is: nothing must be compressed on the way.
        headers: { 'user-agent': 'ringmesh', 'accept-encoding': 'identity', ...this.credentials(url), ...headers },
        signal: AbortSignal.any([attempt.signal, signal]),
      }).catch((cause: unknown) => this.cut(what, cause));
      stall.refresh();
      if (!answer.ok) this.refuse(answer, what);
      return await use(answer.headers, this.bytes(answer, what, stall));
    } finally {
      clearTimeout(stall);
      // Ends the connection of an answer that was not read to its end.
      attempt.abort();
    }
  }

  private async *bytes(answer: Response, what: string, stall: NodeJS.Timeout): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of answer.body ?? []) {
        stall.refresh();
        yield chunk;
      }
    } catch (cause) {
      this.cut(what, cause);
    }
  }

  private credentials(url: string): Record<string, string> {
    const { hub, token } = this.options;
    return token !== undefined && new URL(url).origin === this.origin ? hub.credentials(token) : {};
  }

  private cut(what: string, cause: unknown): never {
    this.options.signal.throwIfAborted();
    throw new TransientError(`${this.where(what)}: ${networkReason(cause)}`, undefined, { cause });
  }

  private refuse(answer: Response, what: string): never {
    const { hub, repository, token } = this.options;
    const { status, headers } = answer;
    const where = this.where(what);
    if (status === 408 || status === 429 || status >= 500) throw new TransientError(`${where}: HTTP ${status}`, retryAfterMs(headers));
    // What the host behind a redirect refuses is no matter of the token.
    const isHub = new URL(answer.url).origin === this.origin;
    if (isHub && (status === 401 || status === 403)) {
      const remedy =
        token === undefined ? `set ${hub.tokenVariable} to a token` : `check that the token in ${hub.tokenVariable} is valid and`;
      throw new HubAccessDeniedError(
        `${where}: HTTP ${status}; if the name is right the model is private or gated: ${remedy} of an account that has access`,
      );
    }
    if (isHub && status === 404) {
      const hint = token === undefined ? `; a private model needs ${hub.tokenVariable}` : '';
      const { model, revision } = repository;
      throw new CheckpointMissingError(`${where}: HTTP 404; it has no model ${model} with a revision ${revision}${hint}`, {
        field: '--model',
      });
    }
    if (status === 416) throw new CheckpointCorruptError(`${where}: shorter than its list of files says; pull again`, { field: what });
    throw new HubUnavailableError(`${where}: HTTP ${status}`);
  }

  private where(what: string): string {
    const { hub, repository } = this.options;
    return `${what} of ${repository.model} (${hub.title}, ${this.origin})`;
  }
}

/** `fetch failed` says little; its cause says more. */
function networkReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message || error.message : error.message;
}

/** `Retry-After`: seconds or a date (RFC 9110, 10.2.3). */
function retryAfterMs(headers: Headers): number | undefined {
  const value = headers.get('retry-after');
  if (value === null) return undefined;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}
