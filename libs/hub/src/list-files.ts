import { HubUnavailableError } from '@ringmesh/core';
import type { Hub, Repository } from './hub.js';
import type { HubClient } from './hub-client.js';
import { type HubFile, MAX_FILES } from './hub-file.js';
import type { Retries } from './retries.js';

const MAX_PAGE_BYTES = 16 * 2 ** 20;
const MAX_PAGES = 100;

/** All files of a repository, each once, with pagination by the `Link` header. */
export async function listFiles(hub: Hub, repository: Repository, client: HubClient, retries: Retries): Promise<HubFile[]> {
  const files = new Map<string, HubFile>();
  let url: string | null = hub.listUrl(repository);
  for (let page = 0; url !== null; page++) {
    if (page === MAX_PAGES || files.size > MAX_FILES) {
      throw new HubUnavailableError(`${repository.model} has too many files at ${hub.title}; at most ${MAX_FILES} are accepted`);
    }
    const here: string = url;
    const { listed, next } = await retries.run(() =>
      client.get(here, 'the list of files', {}, async (headers, bytes) => ({
        listed: hub.readListing(parse(await readText(bytes), here)),
        next: nextPage(headers.get('link'), here),
      })),
    );
    for (const file of listed) files.set(file.path, file);
    url = next;
  }
  return [...files.values()];
}

async function readText(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of bytes) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > MAX_PAGE_BYTES) throw new HubUnavailableError(`a list of files has more than ${MAX_PAGE_BYTES} bytes`);
  }
  return Buffer.concat(chunks).toString();
}

function parse(text: string, url: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new HubUnavailableError(`${url} answers something else than JSON; is it the hub's endpoint?`, { field: '--endpoint', cause });
  }
}

/** RFC 8288: `<https://…?cursor=…>; rel="next"`. */
function nextPage(link: string | null, base: string): string | null {
  const target = /<([^>]+)>\s*;\s*rel="?next\b/.exec(link ?? '')?.[1];
  return target === undefined ? null : new URL(target, base).href;
}
