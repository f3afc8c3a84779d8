import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type HubEntry, hubEntry, huggingFaceListing, modelScopeListing } from './hub-listing.js';

/** A request as the server got it. */
export interface HubRequest {
  /** The file that it asks for, `list`, or null where there is no such thing. */
  what: string | null;
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
  /** The only token that is let in; undefined lets everybody in. */
  token: string | undefined;
  endpoint = '';
  private cdnOrigin = '';
  private readonly hub: Server;
  private readonly cdn: Server;

  private constructor(
    private readonly model: string,
    private readonly files: Readonly<Record<string, Uint8Array>>,
  ) {
    this.entries = Object.entries(files).map(([path, content]) => hubEntry(path, content));
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
    const isModelScope = url.pathname.startsWith('/api/v1/');
    const what = isModelScope ? this.modelScopeFile(url) : this.huggingFaceFile(url);
    const content = this.files[what ?? ''] ?? new Uint8Array();
    if (this.intercept(this.record(what, 'hub', request), response, content)) return;
    const partialStatus = isModelScope ? 200 : 206;
    if (this.token !== undefined && request.headers.authorization !== `Bearer ${this.token}`) {
      refuse(response, 401);
    } else if (what === 'list') {
      response.end(JSON.stringify(isModelScope ? modelScopeListing(this.entries) : this.page(url, response)));
    } else if (what === null || !(what in this.files)) {
      refuse(response, 404);
    } else if (this.entry(what).blob === null) {
      response.writeHead(302, { location: `${this.cdnOrigin}/${what}?signature=valid&partial=${partialStatus}` }).end();
    } else {
      this.send(request, response, content, partialStatus);
    }
  }

  private answerAsCdn(request: IncomingMessage, response: ServerResponse): void {
    const { pathname, searchParams } = new URL(request.url!, this.cdnOrigin);
    const what = decodeURIComponent(pathname.slice(1));
    const content = this.files[what]!;
    if (this.intercept(this.record(what, 'cdn', request), response, content)) return;
    this.send(request, response, content, Number(searchParams.get('partial')));
  }

  private huggingFaceFile({ pathname }: URL): string | null {
    if (pathname === `/api/models/${this.model}/tree/main`) return 'list';
    const files = `/${this.model}/resolve/main/`;
    return pathname.startsWith(files) ? decodeURIComponent(pathname.slice(files.length)) : null;
  }

  private modelScopeFile({ pathname, searchParams }: URL): string | null {
    if (searchParams.get('Revision') !== 'master') return null;
    if (pathname === `/api/v1/models/${this.model}/repo/files`) return 'list';
    return pathname === `/api/v1/models/${this.model}/repo` ? searchParams.get('FilePath') : null;
  }

  /** A page of Hugging Face's list, with a link to the next one. */
  private page(url: URL, response: ServerResponse): unknown {
    const start = Number(url.searchParams.get('cursor') ?? 0);
    const end = start + PAGE_ENTRIES;
    url.searchParams.set('cursor', String(end));
    if (end < this.entries.length) response.setHeader('link', `<${url.href}>; rel="next"`);
    return huggingFaceListing(this.entries.slice(start, end));
  }

  private send(request: IncomingMessage, response: ServerResponse, content: Uint8Array, partialStatus: number): void {
    const start = this.ranges ? Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0) : 0;
    if (start > 0 && start >= content.length) {
      refuse(response, 416);
      return;
    }
    response.setHeader('content-length', content.length - start);
    if (start > 0) response.setHeader('content-range', `bytes ${start}-${content.length - 1}/${content.length}`);
    response.writeHead(start > 0 ? partialStatus : 200).end(content.subarray(start));
  }

  private record(what: string | null, host: 'hub' | 'cdn', { url, headers }: IncomingMessage): HubRequest {
    const request = { what, host, url: url!, headers };
    this.requests.push(request);
    return request;
  }
}

/** Sends half of a file, then cuts the connection; afterwards leaves everything to the server. */
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

function refuse(response: ServerResponse, status: number): void {
  response.writeHead(status).end();
}

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
