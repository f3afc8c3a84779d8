import { HubUnavailableError, JsonFields } from '@ringmesh/core';
import { checksumOf } from './checksum.js';
import type { Hub } from './hub.js';
import { MAX_FILE_BYTES, MAX_FILES, readPath } from './hub-file.js';

/**
 * https://huggingface.co/docs/hub/api: files in git LFS have the SHA-256 of their content as `lfs.oid`, all others their git blob's id as `oid`.
 * A file in LFS is behind a redirect to another host.
 */
export const huggingface: Hub = {
  title: 'Hugging Face',
  endpoint: 'https://huggingface.co',
  defaultRevision: 'main',
  tokenVariable: 'HF_TOKEN',

  credentials: (token) => ({ authorization: `Bearer ${token}` }),

  listUrl: ({ endpoint, model, revision }) => `${endpoint}/api/models/${model}/tree/${encodeURIComponent(revision)}?recursive=true`,

  readListing(page) {
    const listing = JsonFields.of({ files: page }, { file: "Hugging Face's list", ErrorClass: HubUnavailableError });
    return listing
      .list('files', MAX_FILES)
      .filter((entry) => entry.value('type') === 'file')
      .map((entry) => {
        const lfs = entry.optional('lfs', (key) => entry.object(key));
        return {
          path: readPath(entry, 'path'),
          size: (lfs ?? entry).integer('size', 0, MAX_FILE_BYTES),
          checksum: lfs === undefined ? checksumOf('git-blob', entry.value('oid')) : checksumOf('sha256', lfs.value('oid')),
        };
      });
  },

  fileUrl: ({ endpoint, model, revision }, path) =>
    `${endpoint}/${model}/resolve/${encodeURIComponent(revision)}/${path.split('/').map(encodeURIComponent).join('/')}`,
};
