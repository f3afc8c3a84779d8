import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monotonicSeconds } from '@ringmesh/core';
import type { EngineClient, GenerationEvent, GenerationRequest } from '@ringmesh/engine';
import { createLogger, createMetricsRegistry, RequestMetrics } from '@ringmesh/telemetry';
import { ChatTemplate, Tokenizer } from '@ringmesh/tokenizer';
import { Admission } from '../admission/admission.js';
import { InFlight } from '../generation/in-flight.js';
import { TextGenerator } from '../generation/text-generator.js';
import { createApp } from '../http/create-app.js';
import { closeApp, listen } from '../http/listen.js';
import { ResponseStore } from '../openai/responses/response-store.js';
import { ServedModel } from '../served-model.js';

const END_TOKEN = 759;
const MAX_MODEL_LEN = 4096;

/** As Ring's templates: tools in a system message, results in an observation. */
const TEMPLATE =
  '{% if tools %}<role>SYSTEM</role># Tools{% for t in tools %}{{ t | tojson }}{% endfor %}{% endif %}' +
  "{% for m in messages %}{% if m.role == 'tool' %}<role>OBSERVATION</role><tool_response>{{ m.content }}</tool_response>" +
  "{% else %}<role>{{ 'HUMAN' if m.role == 'user' else m.role | upper }}</role>{{ m.content }}{% endif %}{% endfor %}" +
  '<role>ASSISTANT</role>';

/**
 * The sample model has never learned to call tools. So its engine is replaced by one that plays given replies, in the tokens of the real
 * tokenizer; all else is real: HTTP, template, tokenizer, parsers, and the clients. The real engine runs in test/openai and test/anthropic.
 */
class ScriptedEngine {
  readonly prompts: string[] = [];
  readonly constrained: boolean[] = [];

  constructor(
    private readonly tokenizer: Tokenizer,
    private readonly replies: string[],
  ) {}

  readiness(): { ready: boolean; missingShards: number[]; details: string[] } {
    return { ready: true, missingShards: [], details: [] };
  }

  async *generate({ promptIds, sampling, constraint }: GenerationRequest): AsyncGenerator<GenerationEvent> {
    this.prompts.push(this.tokenizer.decode(promptIds));
    this.constrained.push(constraint !== undefined);
    const reply = this.replies.shift();
    if (reply === undefined) throw new Error('no reply is left');
    yield { type: 'started', queueSeconds: 0, cachedTokens: 0 };
    const logprobs = sampling.logprobs < 0 ? {} : { logprob: -0.5, topLogprobs: [] };
    for (const tokenId of [...this.tokenizer.encode(reply), END_TOKEN]) yield { type: 'token', tokenId, ...logprobs };
    yield { type: 'finished', reason: 'stop' };
  }
}

export interface ScriptedRouter {
  url: string;
  /** What the model was asked, as text. */
  prompts: string[];
  /** Whether tokens were to be masked. */
  constrained: boolean[];
  close(): Promise<void>;
}

/** Serves a model by the name `scripted`, which gives the replies in turn. @param checkpointDir whose tokenizer it has */
export async function serveReplies(
  checkpointDir: string,
  replies: string[],
  toolCalls: 'hermes' | 'none' = 'hermes',
): Promise<ScriptedRouter> {
  const dir = await mkdtemp(join(tmpdir(), 'ringmesh-tools-'));
  await cp(checkpointDir, dir, { recursive: true });
  await writeFile(join(dir, 'chat_template.jinja'), TEMPLATE);
  const [tokenizer, chatTemplate] = await Promise.all([Tokenizer.load(dir), ChatTemplate.load(dir)]);
  const scripted = new ScriptedEngine(tokenizer, replies);
  const engine = scripted as unknown as EngineClient;
  const [name, endTokenIds, vocabSize, maxModelLen] = ['scripted', [END_TOKEN], tokenizer.vocabSize, MAX_MODEL_LEN];
  const outputParsers = { reasoning: 'think', toolCalls } as const;
  const model = new ServedModel({ name, tokenizer, chatTemplate, outputParsers, defaults: {}, endTokenIds, vocabSize, maxModelLen });
  const metrics = createMetricsRegistry();
  const inFlight = new InFlight();
  const responses = new ResponseStore({ maxResponses: 10, maxBytes: 2 ** 20, ttlMs: 60_000 }, () => 0);
  const limits = { maxRequests: Infinity, maxTokens: Infinity };
  const admission = new Admission({ limits, now: monotonicSeconds, onRefused: () => undefined });
  const backend = { engine, tokenizer, endTokenIds };
  const generator = new TextGenerator({ backend, metrics: new RequestMetrics(metrics, name), inFlight, admission });
  const log = createLogger({ name: 'test', level: 'fatal' });
  const app = await createApp({
    engine,
    model,
    generator,
    inFlight,
    responses,
    metrics,
    log,
    servesMetrics: true,
    authenticate: () => null,
  });
  const url = await listen(app, { host: '127.0.0.1', port: 0 });
  return {
    url,
    prompts: scripted.prompts,
    constrained: scripted.constrained,
    close: async () => {
      await closeApp(app);
      await rm(dir, { recursive: true });
    },
  };
}
