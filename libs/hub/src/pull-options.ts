import { join } from 'node:path';
import { InvalidOptionError } from '@ringmesh/core';
import { type HubName, HUBS, type Repository } from './hub.js';
import type { PullProgress } from './pull-progress.js';
import type { RetryTiming } from './retries.js';

export interface PullOptions {
  /** `inclusionAI/Ring-lite` */
  model: string;
  source: HubName;
  /** A branch, a tag or a commit; the hub's own branch where nothing is said. */
  revision?: string | undefined;
  /** Where the checkpoint goes; made where it does not exist. */
  dir: string;
  /** A mirror; the hub itself where nothing is said. */
  endpoint?: string | undefined;
  /** Sent to the endpoint only, and never shown. */
  token?: string | undefined;
  /** Files that are loaded at once. */
  concurrency?: number;
  /** Ends the pull; what was loaded stays. */
  signal?: AbortSignal;
  onProgress?: (progress: PullProgress) => void;
  /** Told what failed and is tried again. */
  onRetry?: (message: string) => void;
  timing?: RetryTiming;
  /** A connection on which nothing comes for so long counts as cut. */
  stallMs?: number;
}

const NAME = '[A-Za-z0-9][\\w.-]{0,95}';
const MODEL = new RegExp(`^${NAME}/${NAME}$`);
const REVISION = /^[\w][\w./-]{0,127}$/;
const TOKEN = /^[\x21-\x7e]{1,512}$/;
const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Whether `text` has the shape of a model's name at a hub: `inclusionAI/Ring-lite`. */
export function isModelName(text: string): boolean {
  return MODEL.test(text);
}

/** Where a pulled model lies in the cache folder. The folder's name is the model's, by which it is served. @throws InvalidOptionError */
export function checkpointDirOf(cacheDir: string, options: Pick<PullOptions, 'source' | 'model' | 'revision'>): string {
  const { model, revision } = nameOf(options);
  return join(cacheDir, 'checkpoints', options.source, encodeURIComponent(revision), ...model.split('/'));
}

/** Checks what a user gave. @throws InvalidOptionError */
export function repositoryOf(options: PullOptions): Repository {
  const { endpoint, token } = options;
  const hub = HUBS[options.source];
  const repository = { endpoint: (endpoint ?? hub.endpoint).replace(/\/+$/, ''), ...nameOf(options) };
  const url = URL.parse(repository.endpoint);
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '' || url.search !== '' || url.hash !== '') {
    throw invalid('--endpoint', 'must be an http or https address like https://huggingface.co, without user and query');
  }
  if (token !== undefined && !TOKEN.test(token)) throw invalid(hub.tokenVariable, 'holds characters that no token has; set it anew');
  if (token !== undefined && url.protocol === 'http:' && !LOOPBACK.has(url.hostname)) {
    throw invalid('--endpoint', `${hub.tokenVariable} would travel to ${url.host} in plain text; use https or unset ${hub.tokenVariable}`);
  }
  return repository;
}

function nameOf({ source, model, revision = HUBS[source].defaultRevision }: Pick<PullOptions, 'source' | 'model' | 'revision'>) {
  if (!isModelName(model)) throw invalid('model', `${JSON.stringify(model)} is not the name of a model, for example inclusionAI/Ring-lite`);
  if (!REVISION.test(revision) || revision.includes('..')) {
    throw invalid('--revision', `${JSON.stringify(revision)} is not a branch, a tag or a commit`);
  }
  return { model, revision };
}

function invalid(field: string, problem: string): InvalidOptionError {
  return new InvalidOptionError(`${field}: ${problem}`, { field });
}
