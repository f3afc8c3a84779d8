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
import { randomId } from '../random-id.js';
import { type ChatRequest, chatRequestSchema } from '../schemas/chat-request.js';
import { type ChatCompletion, chatCompletionSchema } from '../schemas/responses.js';
import { eventStream, SSE_CONTENT_TYPE } from '../sse.js';
import { collectChoices } from '../text-choice.js';
import { streamUsage } from '../usage.js';
import { chatChunks, chatCompletion, type ChatResponseOptions } from './chat-response.js';
import { prepareChat } from './prepare-chat.js';

/** POST /v1/chat/completions */
@ApiTags('OpenAI')
@Controller('v1/chat/completions')
export class ChatController {
  constructor(
    @Inject(MODEL) private readonly model: ServedModel,
    @Inject(TEXT_GENERATOR) private readonly generator: TextGenerator,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  @Post()
  @HttpCode(200)
  @ApiJsonBody(chatRequestSchema)
  @ApiResponse({
    status: 200,
    description: 'The answer; an event stream of chunks with "stream": true.',
    standardSchema: chatCompletionSchema,
  })
  async create(
    @Body({ schema: chatRequestSchema }) body: ChatRequest,
    @FromClient() client: Client,
  ): Promise<ChatCompletion | StreamableFile> {
    this.model.checkName(body.model);
    const id = `chatcmpl-${randomUUID()}`;
    const maxTokensField = body.max_completion_tokens == null ? 'max_tokens' : 'max_completion_tokens';
    const { promptIds, format, requests } = await prepareChat(this.model, body, {
      id,
      promptField: 'messages',
      maxTokensField,
      maxTokens: body[maxTokensField] ?? undefined,
      logprobs: body.logprobs ? (body.top_logprobs ?? 0) : -1,
      newToolCallId: () => randomId('call'),
    });
    const options: ChatResponseOptions = {
      id,
      created: Math.floor(Date.now() / 1000),
      model: this.model.name,
      promptIds,
      format,
      includeReasoning: body.include_reasoning ?? true,
      logprobs: body.logprobs ?? false,
      returnTokenIds: body.return_token_ids ?? false,
      ...streamUsage(body.stream_options),
      writer: new TokenWriter(this.model.tokenizer, body.return_tokens_as_token_ids ?? false),
    };

    const events = this.generator.generate(requests, client);
    if (!body.stream) return chatCompletion(await collectChoices(events), options);
    const stream = await eventStream(chatChunks(events, options), (err) => this.log.error({ err, id }, 'stream failed'));
    return new StreamableFile(stream, { type: SSE_CONTENT_TYPE });
  }
}
