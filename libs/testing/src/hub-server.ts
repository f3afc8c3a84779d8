import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A file as both hubs list it. A test changes an entry to make the hub lie. */
export interface HubEntry {
  path: string;
  size: number;
  sha256: string;
  /** The id of git's blob; where there is none the file is in LFS. */
  blob: string | null;
}

/** A request as the server got it. */
export interface HubRequest {
  /** The file that it asks for, or `list`. */
  what: string;
  host: 'hub' | 'cdn';
  url: string;
  headers: IncomingMessage['headers'];
}

/** Answers a request in place of the server. @returns false where it leaves that to the server */
export type Intercept = (request: HubRequest, response: ServerResponse, content: Uint8Array) => boolean;

/** Entries on one page of Hugging Face's list. */
const PAGE_ENTRIES = 3;

/**
 * A model hub on this machine, with the URLs of Hugging Face and of ModelScope: files in LFS are behind a redirect to another origin, the list of
 * Hugging Face comes in pages, and ModelScope answers ranges with 200, as the real one does.
 */
export class HubServer {
  readonly requests: HubRequest[] = [];
  readonly entries: HubEntry[];
  intercept: Intercept = () => false;
  /** Whether `Range` is honoured. */
  ranges = true;
  /** The only token that is let in; none = everybody. */
  token: string | undefined;
  endpoint = '';
  private cdnOrigin = '';
  private readonly hub: Server;
  private readonly cdn: Server;

  private constructor(
    readonly model: string,
    private readonly files: Readonly<Record<string, Uint8Array>>,
  ) {
    this.entries = Object.entries(files).map(([path, content]) => entryOf(path, content));
    this.hub = createServer((request, response) => this.answerAsHub(request, response));
    this.cdn = createServer((request, response) => this.answerAsCdn(request, response));
  }

  static async start(model: string, files: Record<string, Uint8Array>): Promise<HubServer> {
    const server = new HubServer(model, files);
    server.endpoint = await listen(server.hub);
    server.cdnOrigin = await listen(server.cdn);
    return server;
  }

  async close(): Promise<void> {
    for (const server of [this.hub, this.cdn]) {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    }
  }

  entry(path: string): HubEntry {
    return this.entries.find((entry) => entry.path === path)!;
  }

  /** Requests for the content of `path`, where it really comes from. */
  downloads(path: string): HubRequest[] {
    const host = this.entry(path).blob === null ? 'cdn' : 'hub';
    return this.requests.filter((request) => request.what === path && request.host === host);
  }

  private answerAsHub(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url!, this.endpoint);
    const { isModelScope, what } = this.route(url);
    const seen = this.record(what ?? 'nothing', 'hub', request);
    if (this.intercept(seen, response, this.files[what ?? ''] ?? new Uint8Array())) return;
    const isAllowed = this.token === undefined || request.headers.authorization === `Bearer ${this.token}`;
    if (!isAllowed) return refuse(response, 401);
    if (what === 'list') return isModelScope ? this.listForModelScope(response) : this.listForHuggingFace(url, response);
    const content = this.files[what ?? ''];
    if (what === null || content === undefined) return refuse(response, 404);
    const partialStatus = isModelScope ? 200 : 206;
    if (this.entry(what).blob === null) {
      response.writeHead(302, { location: `${this.cdnOrigin}/${what}?signature=valid&partial=${partialStatus}` }).end();
    } else {
      this.send(request, response, content, partialStatus);
    }
  }

  private answerAsCdn(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url!, this.cdnOrigin);
    const what = decodeURIComponent(url.pathname.slice(1));
    const content = this.files[what]!;
    const seen = this.record(what, 'cdn', request);
    if (!this.intercept(seen, response, content)) this.send(request, response, content, Number(url.searchParams.get('partial')));
  }

  /** What a URL of either hub asks for. */
  private route({ pathname, searchParams }: URL): { isModelScope: boolean; what: string | null } {
    const path = decodeURIComponent(pathname);
    const isModelScope = path.startsWith('/api/v1/');
    const revision = isModelScope ? 'master' : 'main';
    if (path === `/api/models/${this.model}/tree/${revision}`) return { isModelScope, what: 'list' };
    if (isModelScope && searchParams.get('Revision') !== revision) return { isModelScope, what: null };
    if (path === `/api/v1/models/${this.model}/repo/files`) return { isModelScope, what: 'list' };
    if (path === `/api/v1/models/${this.model}/repo`) return { isModelScope, what: searchParams.get('FilePath') };
    const files = `/${this.model}/resolve/${revision}/`;
    return { isModelScope, what: path.startsWith(files) ? path.slice(files.length) : null };
  }

  private listForHuggingFace(url: URL, response: ServerResponse): void {
    const start = Number(url.searchParams.get('cursor') ?? 0);
    const end = start + PAGE_ENTRIES;
    url.searchParams.set('cursor', String(end));
    const page = this.entries.slice(start, end).map(({ path, size, sha256, blob }) => ({
      type: 'file',
      path,
      ...(blob === null ? { oid: 'f'.repeat(40), size, lfs: { oid: sha256, size, pointerSize: 134 } } : { oid: blob, size }),
    }));
    if (end < this.entries.length) response.setHeader('link', `<${url.href}>; rel="next"`);
    sendJson(response, [...page, { type: 'directory', oid: 'd'.repeat(40), size: 0, path: `figures-${start}` }]);
  }

  private listForModelScope(response: ServerResponse): void {
    const files = this.entries.map(({ path, size, sha256, blob }) => ({
      Type: 'blob',
      Name: path.split('/').at(-1),
      Path: path,
      Size: size,
      Sha256: sha256,
      IsLFS: blob === null,
    }));
    sendJson(response, {
      Code: 200,
      Success: true,
      Message: 'success',
      Data: { Files: [...files, { Type: 'tree', Path: 'figures', Size: 0 }] },
    });
  }

  private send(request: IncomingMessage, response: ServerResponse, content: Uint8Array, partialStatus: number): void {
    const start = this.ranges ? Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0) : 0;
    if (start > 0 && start >= content.length) return refuse(response, 416);
    response.setHeader('content-length', content.length - start);
    if (start > 0) response.setHeader('content-range', `bytes ${start}-${content.length - 1}/${content.length}`);
    response.writeHead(start > 0 ? partialStatus : 200).end(content.subarray(start));
  }

  private record(what: string, host: 'hub' | 'cdn', { url, headers }: IncomingMessage): HubRequest {
    const request = { what, host, url: url!, headers };
    this.requests.push(request);
    return request;
  }
}

/** Small text is in git, weights are in LFS. */
function entryOf(path: string, content: Uint8Array): HubEntry {
  const blob = createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');
  return {
    path,
    size: content.length,
    sha256: createHash('sha256').update(content).digest('hex'),
    blob: path.endsWith('.safetensors') ? null : blob,
  };
}

function sendJson(response: ServerResponse, body: unknown): void {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(body));
}

function refuse(response: ServerResponse, status: number): void {
  response.writeHead(status).end(`HTTP ${status}`);
}

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Sends half of a file, then cuts the connection; afterwards answers as ever. */
export function cutOnce(path: string): Intercept {
  let isCut = false;
  return ({ what, host }, response, content) => {
    if (isCut || what !== path || host !== 'cdn') return false;
    isCut = true;
    response.writeHead(200, { 'content-length': content.length });
    response.write(content.subarray(0, content.length / 2), () => response.destroy());
    return true;
  };
}
