import type { HubFile } from './hub-file.js';
import { huggingface } from './huggingface.js';
import { modelscope } from './modelscope.js';

/** A model's files as a hub keeps them. */
export interface Repository {
  /** `https://huggingface.co`: no slash at the end. */
  endpoint: string;
  /** `inclusionAI/Ring-lite` */
  model: string;
  /** A branch, a tag or a commit. */
  revision: string;
}

/** Where a hub's API has things, and how it lists files. */
export interface Hub {
  /** Its name in messages. */
  title: string;
  /** Where it is, unless a mirror is used. */
  endpoint: string;
  /** The branch that is meant where none is named. */
  defaultRevision: string;
  /** The environment variable that holds the user's token. */
  tokenVariable: string;
  /** The headers that show the user's token. */
  credentials(token: string): Record<string, string>;
  /** The list of files; further pages are behind its `Link` header, where it has one. */
  listUrl(repository: Repository): string;
  /** The files of one page. @throws HubUnavailableError where it is not such a page */
  readListing(page: unknown): HubFile[];
  /** The content of a file; may redirect to another host. */
  fileUrl(repository: Repository, path: string): string;
}

export const HUBS = { huggingface, modelscope } satisfies Record<string, Hub>;

export type HubName = keyof typeof HUBS;
