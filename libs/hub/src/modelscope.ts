import { HubUnavailableError, JsonFields } from '@ringmesh/core';
import { checksumOf } from './checksum.js';
import type { Hub } from './hub.js';
import { MAX_FILE_BYTES, MAX_FILES, readPath } from './hub-file.js';

/** The API of modelscope/hub/{api,file_download}.py: every file has its SHA-256, except where the revision is a commit. */
export const modelscope: Hub = {
  title: 'ModelScope',
  endpoint: 'https://www.modelscope.cn',
  defaultRevision: 'master',
  tokenVariable: 'MODELSCOPE_API_TOKEN',

  // The API itself knows the bearer, downloads know the cookie.
  credentials: (token) => ({ authorization: `Bearer ${token}`, cookie: `m_session_id=${token}` }),

  listUrl: ({ endpoint, model, revision }) =>
    `${endpoint}/api/v1/models/${model}/repo/files?Revision=${encodeURIComponent(revision)}&Recursive=true`,

  readListing(page) {
    const answer = JsonFields.of(page, { file: "ModelScope's list", ErrorClass: HubUnavailableError });
    if (answer.has('Code') && answer.value('Code') !== 200) answer.fail('Code', `must be 200 (${JSON.stringify(answer.value('Message'))})`);
    return answer
      .object('Data')
      .list('Files', MAX_FILES)
      .filter((entry) => entry.value('Type') === 'blob')
      .map((entry) => ({
        path: readPath(entry, 'Path'),
        size: entry.integer('Size', 0, MAX_FILE_BYTES),
        checksum: checksumOf('sha256', entry.value('Sha256')),
      }));
  },

  fileUrl: ({ endpoint, model, revision }, path) =>
    `${endpoint}/api/v1/models/${model}/repo?Revision=${encodeURIComponent(revision)}&FilePath=${encodeURIComponent(path)}`,
};
