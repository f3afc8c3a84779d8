import { EngineFailedError, errorFromMessage } from '@ringmesh/core';

/** What a client saw of one request that decoded by itself. */
export interface DecodeSpeed {
  tokens: number;
  firstTokenSeconds: number;
  /** From the first token to the last. */
  tokensPerSecond: number;
}

const PROMPT = [1, 2, 3, 4, 5, 6, 7, 8];
const WARM_UP_TOKENS = 8;
const TOKENS = 49;
/** Even the largest model on a slow disk is done by then. */
const TIMEOUT_MS = 15 * 60_000;

/**
 * Generates a few dozen tokens through the API, greedily and alone.
 * @param contextTokens tokens that the model can hold
 * @throws what the API answers instead; `signal.reason` once it is aborted
 */
export async function measureDecode(url: string, contextTokens: number, signal: AbortSignal): Promise<DecodeSpeed> {
  const most = contextTokens - PROMPT.length;
  await generate(url, Math.min(WARM_UP_TOKENS, most), signal);
  return generate(url, Math.min(TOKENS, most), signal);
}

async function generate(url: string, maxTokens: number, signal: AbortSignal): Promise<DecodeSpeed> {
  const start = performance.now();
  const response = await fetch(`${url}/v1/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    // With token ids every token has an event of its own, whether it brings text or not.
    body: JSON.stringify({ prompt: PROMPT, max_tokens: maxTokens, temperature: 0, ignore_eos: true, stream: true, return_token_ids: true }),
    signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
  });
  if (!response.ok) throw apiError(await response.json());
  const times: number[] = [];
  let rest = '';
  for await (const text of response.body!.pipeThrough(new TextDecoderStream())) {
    const events = (rest + text).split('\n\n');
    rest = events.pop()!;
    for (const event of events) if (hasToken(event)) times.push(performance.now());
  }
  const [first, last] = [times[0], times.at(-1)];
  if (first === undefined || last === undefined || times.length < 2) throw new EngineFailedError('The model ended its answer at once');
  return {
    tokens: times.length,
    firstTokenSeconds: (first - start) / 1000,
    tokensPerSecond: ((times.length - 1) * 1000) / (last - first),
  };
}

/** @throws what an error event says */
function hasToken(event: string): boolean {
  if (event === 'data: [DONE]') return false;
  const body = JSON.parse(event.slice('data: '.length)) as { choices?: [{ token_ids: number[] }]; error?: unknown };
  if (body.error !== undefined) throw apiError(body);
  return body.choices?.[0].token_ids.length === 1;
}

function apiError(body: unknown): Error {
  const { error } = body as { error: { code: string; message: string } };
  return errorFromMessage(error);
}
