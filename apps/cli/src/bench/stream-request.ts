import { eventData, FailedAnswer } from './event-lines.js';
import type { RequestRecord } from './metrics.js';
import type { Prompt } from './prompts.js';

/** Where and how every request of a load goes. */
export interface Target {
  /** With `/v1`, without a slash at its end. */
  baseUrl: string;
  endpoint: 'chat' | 'completions';
  model: string;
  headers: Record<string, string>;
  ignoreEos: boolean;
  timeoutMs: number;
}

/** What a request of its own asks. */
export interface RequestBody {
  prompt: Prompt;
  /** At most. */
  outputTokens: number;
}

/** What of a streamed event counts here. */
interface StreamEvent {
  error?: unknown;
  usage?: { prompt_tokens?: unknown; completion_tokens?: unknown } | null;
  choices?: { text?: string; delta?: { content?: string | null; reasoning_content?: string | null; reasoning?: string | null } }[];
}

/** Sends one request and measures its stream. Never rejects: what fails is in the record. @param dueAt by `performance.now()` */
export async function streamRequest(target: Target, request: RequestBody, dueAt: number, signal: AbortSignal): Promise<RequestRecord> {
  const timeout = AbortSignal.timeout(target.timeoutMs);
  const record = { dueAt, sentAt: performance.now(), endedAt: 0, chunksAt: [], promptTokens: 0, outputTokens: 0, error: null };
  return readAnswer(target, request, record, AbortSignal.any([signal, timeout])).then(
    () => ({ ...record, endedAt: performance.now() }),
    (error: unknown) => ({ ...record, endedAt: performance.now(), error: timeout.aborted ? 'timeout' : kindOf(error) }),
  );
}

async function readAnswer(target: Target, request: RequestBody, record: RequestRecord, signal: AbortSignal): Promise<void> {
  const { baseUrl, endpoint, headers } = target;
  const url = `${baseUrl}/${endpoint === 'chat' ? 'chat/completions' : 'completions'}`;
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(bodyOf(target, request)), signal });
  if (!response.ok || response.body === null) {
    await response.body?.cancel();
    throw new FailedAnswer(`status ${response.status}`);
  }
  let hasUsage = false;
  for await (const data of eventData(response.body)) {
    if (data === '[DONE]') {
      if (!hasUsage) throw new FailedAnswer('no usage');
      return;
    }
    const event = parse(data);
    if (event.error !== undefined) throw new FailedAnswer('error in the stream');
    const [choice] = event.choices ?? [];
    const { content, reasoning_content: reasoningContent, reasoning } = choice?.delta ?? {};
    if (choice?.text || content || reasoningContent || reasoning) record.chunksAt.push(performance.now());
    if (event.usage) {
      const { prompt_tokens: promptTokens, completion_tokens: outputTokens } = event.usage;
      if (!isCount(promptTokens) || !isCount(outputTokens)) throw new FailedAnswer('no usage');
      hasUsage = true;
      Object.assign(record, { promptTokens, outputTokens });
    }
  }
  throw new FailedAnswer('cut stream');
}

function bodyOf({ endpoint, model, ignoreEos }: Target, { prompt, outputTokens }: RequestBody): object {
  const isChatText = endpoint === 'chat' && 'prompt' in prompt;
  return {
    model,
    ...(isChatText ? { messages: [{ role: 'user', content: prompt.prompt }] } : prompt),
    max_tokens: outputTokens,
    stream: true,
    stream_options: { include_usage: true },
    ...(ignoreEos ? { ignore_eos: true } : {}),
  };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function parse(data: string): StreamEvent {
  try {
    return JSON.parse(data) as StreamEvent;
  } catch (error) {
    throw new FailedAnswer('malformed event', { cause: error });
  }
}

/** `fetch` hides the system's code in its cause. */
function kindOf(error: unknown): string {
  if (error instanceof FailedAnswer) return error.message;
  const { cause } = error as { cause?: { code?: unknown } };
  return typeof cause?.code === 'string' ? `connection: ${cause.code}` : 'connection';
}
