import { parseRouterOptions, type RawRouterOptions, type RouterOptions, type RunningRouter, startRouter } from '@ringmesh/router';
import { packedModel, SAMPLE_MODEL, untilReady } from '@ringmesh/testing';
import OpenAI from 'openai';

export interface TestRouter extends RunningRouter {
  client: OpenAI;
  /** Posts JSON, or any other body as it is. */
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
  /** The value of one series of /metrics. */
  metric(series: string): Promise<number>;
}

export const MODEL = 'ring-nano';
export const QUESTION = [{ role: 'user' as const, content: 'What is 47 + 85?' }];
/** The model thinks about it for a while. */
export const LONG_QUESTION = [{ role: 'user' as const, content: 'Sort 31, 7, 19, 88, 42, 5, 63, 27, 90, 14, 76, 51.' }];

/**
 * A router over the sample model on a free port, which logs only what should not happen.
 * @param more what the command line does not choose
 */
export async function startTestRouter(
  raw: RawRouterOptions = {},
  { waitUntilReady = true, ...more }: { waitUntilReady?: boolean } & Partial<RouterOptions> = {},
): Promise<TestRouter> {
  const pack = await packedModel(SAMPLE_MODEL);
  const router = await startRouter({ ...parseRouterOptions({ pack, port: '0', threads: '1', logLevel: 'fatal', ...raw }), ...more });
  const { url, metricsUrl } = router;
  if (waitUntilReady) await untilReady(url);
  return {
    ...router,
    client: new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0 }),
    post: (path, body, headers = {}) =>
      fetch(url + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: typeof body === 'string' || body instanceof Uint8Array ? (body as RequestInit['body']) : JSON.stringify(body),
      }),
    metric: async (series) => {
      const text = await (await fetch(`${metricsUrl}/metrics`)).text();
      const line = text.split('\n').find((candidate) => candidate.startsWith(`${series} `));
      if (line === undefined) throw new Error(`/metrics has no ${series}`);
      return Number(line.slice(series.length));
    },
  };
}

/** All of a stream. */
export async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of stream) items.push(item);
  return items;
}
