import { stat } from 'node:fs/promises';
import { setGlobalProxyFromEnv } from 'node:http';
import { defaultCacheDir, explainCacheError, formatBytes, InvalidOptionError, parseChoice } from '@ringmesh/core';
import { checkpointDirOf, type HubName, HUBS, isModelName, isPulled, pullCheckpoint, type Pulled } from '@ringmesh/hub';
import { ProgressLine } from './progress.js';
import { transferText } from './transfer-text.js';

export interface HubOptions {
  source?: string | undefined;
  revision?: string | undefined;
  endpoint?: string | undefined;
}

export interface PullCommandOptions extends HubOptions {
  to?: string | undefined;
}

/** `ringmesh pull MODEL` */
export async function pull(model: string, options: PullCommandOptions): Promise<void> {
  const dir = options.to ?? cachedDir(model, options);
  const { totalBytes } = await pullInto(dir, model, options);
  console.log(`pulled ${model} (${formatBytes(totalBytes)}) into ${dir}`);
}

/** The folder that `--model` means: that folder, or where the cache has the hub's model of that name, which is pulled first unless that was done. */
export async function modelFolder(model: string, options: HubOptions, signal: AbortSignal): Promise<string> {
  const isFolder = await stat(model).then(
    () => true,
    () => false,
  );
  if (isFolder || !isModelName(model)) return model;
  const dir = cachedDir(model, options);
  try {
    if (!(await isPulled(dir))) await pullInto(dir, model, options, signal);
  } catch (error) {
    throw explainCacheError(error, defaultCacheDir());
  }
  return dir;
}

async function pullInto(dir: string, model: string, options: HubOptions, signal?: AbortSignal): Promise<Pulled> {
  const source = sourceOf(options);
  const { title, tokenVariable } = HUBS[source];
  const line = new ProgressLine();
  line.note(`pulling ${model} from ${title} into ${dir}`);
  const start = performance.now();
  const pulled = await throughProxy(() =>
    pullCheckpoint({
      model,
      source,
      revision: options.revision,
      endpoint: options.endpoint,
      dir,
      token: process.env[tokenVariable]?.trim() || undefined,
      onProgress: (progress) => line.update(transferText(progress, performance.now() - start), progress.done === progress.total),
      onRetry: (message) => line.note(message),
      ...(signal === undefined ? {} : { signal }),
    }),
  );
  if (pulled.unverified.length > 0) {
    console.error(`${title} gives no checksum for this revision of ${pulled.unverified.join(', ')}: only the size was compared`);
  }
  return pulled;
}

function cachedDir(model: string, options: HubOptions): string {
  return checkpointDirOf(defaultCacheDir(), { model, source: sourceOf(options), revision: options.revision });
}

function sourceOf({ source }: HubOptions): HubName {
  return parseChoice('--source', source, ['huggingface', 'modelscope']) ?? 'huggingface';
}

/** Uses the proxy that HTTPS_PROXY, HTTP_PROXY and NO_PROXY name, which `fetch` does not by itself. */
async function throughProxy<T>(work: () => Promise<T>): Promise<T> {
  const restore = useProxy();
  try {
    return await work();
  } finally {
    restore();
  }
}

function useProxy(): () => void {
  try {
    return setGlobalProxyFromEnv();
  } catch (cause) {
    // Not shown: the address may hold a password.
    throw new InvalidOptionError('HTTPS_PROXY, HTTP_PROXY: must be the address of a proxy, for example http://proxy:3128', { cause });
  }
}
