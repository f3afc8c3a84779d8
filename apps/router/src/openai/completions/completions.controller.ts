import { randomUUID } from 'node:crypto';
import { Body, Controller, HttpCode, Inject, Post, StreamableFile } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Logger } from '@ringmesh/telemetry';
import type { Client } from '../../generation/client.js';
import type { TextGenerator } from '../../generation/text-generator.js';
import { FromClient } from '../../http/from-client.js';
import type { ServedModel } from '../../served-model.js';
import { LOGGER, MODEL, TEXT_GENERATOR } from '../../tokens.js';
import { ApiJsonBody } from '../api-body.js';
import { TokenWriter } from '../logprobs.js';
import { prepareRequests } from '../prepare-requests.js';
import { type CompletionRequest, completionRequestSchema } from '../schemas/completion-request.js';
import { type Completion, completionSchema } from '../schemas/responses.js';
import { eventStream, SSE_CONTENT_TYPE } from '../sse.js';
import { answerGrammar } from '../structured-output.js';
import { collectChoices } from '../text-choice.js';
import { streamUsage } from '../usage.js';
import { completionPrompts } from './completion-prompts.js';
import { completion, completionChunks, type CompletionResponseOptions } from './completion-response.js';
import { promptOnly } from './echo.js';

/** OpenAI's default. */
const DEFAULT_MAX_TOKENS = 16;

/** POST /v1/completions */
@ApiTags('OpenAI')
@Controller('v1/completions')
export class CompletionsController {
  constructor(
    @Inject(MODEL) private readonly model: ServedModel,
    @Inject(TEXT_GENERATOR) private readonly generator: TextGenerator,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  @Post()
  @HttpCode(200)
  @ApiJsonBody(completionRequestSchema)
  @ApiResponse({
    status: 200,
    description: 'n choices of each prompt; an event stream of chunks with "stream": true.',
    standardSchema: completionSchema,
  })
  async create(
    @Body({ schema: completionRequestSchema }) body: CompletionRequest,
    @FromClient() client: Client,
  ): Promise<Completion | StreamableFile> {
    this.model.checkName(body.model);
    const id = `cmpl-${randomUUID()}`;
    const prompts = completionPrompts(this.model, body.prompt);
    const answer = answerGrammar(body);
    const numChoices = body.n ?? 1;
    const numAnswers = body.best_of ?? numChoices;
    const requests = await prepareRequests(this.model, body, prompts, {
      id,
      promptField: 'prompt',
      maxTokensField: 'max_tokens',
      maxTokens: body.max_tokens == null ? undefined : Math.max(1, body.max_tokens),
      defaultMaxTokens: DEFAULT_MAX_TOKENS,
      promptLogprobs: body.echo && body.logprobs != null ? Math.max(body.logprobs, body.prompt_logprobs ?? 0) : undefined,
      bestOf: body.best_of ?? undefined,
      logprobs: body.logprobs ?? (numAnswers > numChoices ? 0 : -1),
      returnRoutedExperts: body.return_routed_experts ?? false,
      ...(answer === undefined ? {} : { grammar: { ...answer, thought: 'none' }, shownTokenIds: this.model.output.shownTokenIds }),
    });
    const options: CompletionResponseOptions = {
      id,
      created: Math.floor(Date.now() / 1000),
      model: this.model.name,
      prompts,
      numChoices,
      numAnswers,
      echo: body.echo ? prompts.map((prompt) => this.model.tokenizer.decode(prompt)) : null,
      logprobs: body.logprobs != null,
      promptLogprobs: body.prompt_logprobs != null,
      returnTokenIds: body.return_token_ids ?? false,
      ...streamUsage(body.stream_options),
      writer: new TokenWriter(this.model.tokenizer, body.return_tokens_as_token_ids ?? false),
    };

    const generated = this.generator.generate(requests, client);
    const events = body.max_tokens === 0 ? promptOnly(generated) : generated;
    if (!body.stream) return completion(await collectChoices(events), options);
    const stream = await eventStream(completionChunks(events, options), (err) => this.log.error({ err, id }, 'stream failed'));
    return new StreamableFile(stream, { type: SSE_CONTENT_TYPE });
  }
}
