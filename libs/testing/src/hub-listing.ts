import { createHash } from 'node:crypto';

/** A file as both hubs list it. A test changes an entry to make the hub lie. */
export interface HubEntry {
  path: string;
  size: number;
  sha256: string;
  /** The id of git's blob; null where the file is in LFS. */
  blob: string | null;
}

/** Weights are in LFS, everything else in git itself. */
export function hubEntry(path: string, content: Uint8Array): HubEntry {
  const blob = createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');
  return {
    path,
    size: content.length,
    sha256: createHash('sha256').update(content).digest('hex'),
    blob: path.endsWith('.safetensors') ? null : blob,
  };
}

/** As Hugging Face lists them, with a folder among them. */
export function huggingFaceListing(entries: readonly HubEntry[]): unknown {
  const files = entries.map(({ path, size, sha256, blob }) => ({
    type: 'file',
    path,
    ...(blob === null ? { oid: 'f'.repeat(40), size, lfs: { oid: sha256, size, pointerSize: 134 } } : { oid: blob, size }),
  }));
  return [...files, { type: 'directory', path: 'figures', oid: 'd'.repeat(40), size: 0 }];
}

/** As ModelScope lists them, with a folder among them. */
export function modelScopeListing(entries: readonly HubEntry[]): unknown {
  const files = entries.map(({ path, size, sha256, blob }) => ({
    Type: 'blob',
    Name: path.split('/').at(-1),
    Path: path,
    Size: size,
    Sha256: sha256,
    IsLFS: blob === null,
  }));
  const folder = { Type: 'tree', Name: 'figures', Path: 'figures', Size: 0, Sha256: '', IsLFS: false };
  return { Code: 200, Success: true, Message: 'success', Data: { Files: [...files, folder] } };
}
