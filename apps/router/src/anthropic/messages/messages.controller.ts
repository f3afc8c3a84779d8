import { Body, Controller, HttpCode, Inject, Post, Req, StreamableFile } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import { InvalidRequestError } from '@ringmesh/core';
import type { Logger } from '@ringmesh/telemetry';
import type { FastifyRequest } from 'fastify';
import type { Client } from '../../generation/client.js';
import type { TextGenerator } from '../../generation/text-generator.js';
import { FromClient } from '../../http/from-client.js';
import { ApiJsonBody } from '../../openai/api-body.js';
import { chatPrompt } from '../../openai/chat/chat-prompt.js';
import { prepareChat } from '../../openai/chat/prepare-chat.js';
import { errorResponse } from '../../openai/error-response.js';
import { randomId } from '../../openai/random-id.js';
import { eventStream, SSE_CONTENT_TYPE } from '../../openai/sse.js';
import type { ServedModel } from '../../served-model.js';
import { LOGGER, MODEL, TEXT_GENERATOR } from '../../tokens.js';
import { anthropicErrorBody } from '../error-body.js';
import { chatFields } from './chat-fields.js';
import { MessageBuilder, messageEvents } from './message-builder.js';
import { type MessageObject, messageObjectSchema, type TokenCount, tokenCountSchema } from './message-object.js';
import { type CountTokensRequest, countTokensSchema, type MessageRequest, messageRequestSchema } from './message-request.js';

/** POST /v1/messages and /v1/messages/count_tokens */
@ApiTags('Anthropic')
@Controller('v1/messages')
export class MessagesController {
  constructor(
    @Inject(MODEL) private readonly model: ServedModel,
    @Inject(TEXT_GENERATOR) private readonly generator: TextGenerator,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  @Post()
  @HttpCode(200)
  @ApiJsonBody(messageRequestSchema)
  @ApiResponse({ status: 200, description: 'The message; an event stream with "stream": true.', standardSchema: messageObjectSchema })
  async create(
    @Body({ schema: messageRequestSchema }) body: MessageRequest,
    @Req() { id: requestId }: FastifyRequest,
    @FromClient() client: Client,
  ): Promise<MessageObject | StreamableFile> {
    this.model.checkName(body.model);
    const id = randomId('msg');
    const { thinking } = body;
    const { promptIds, format, requests } = await prepareChat(
      this.model,
      {
        ...chatFields(body),
        ...{ temperature: body.temperature, top_p: body.top_p, top_k: body.top_k, stop: body.stop_sequences },
        max_reasoning_tokens: this.thoughtBudget(thinking),
      },
      {
        id,
        promptField: 'messages',
        maxTokensField: 'max_tokens',
        maxTokens: body.max_tokens,
        logprobs: -1,
        newToolCallId: () => randomId('toolu'),
        responseFormatField: 'output_config.format',
      },
    );
    const includeReasoning = (thinking?.type === 'enabled' || thinking?.type === 'adaptive') && thinking.display !== 'omitted';
    const builder = new MessageBuilder({ id, model: this.model.name, promptTokens: promptIds.length, format, includeReasoning });

    const events = messageEvents(this.generator.generate(requests, client), builder);
    if (!body.stream) {
      while (!(await events.next()).done);
      return builder.message();
    }
    const stream = await eventStream(events, (err) => this.log.error({ err, id }, 'stream failed'), {
      isNamed: true,
      end: '',
      failure: (error) => anthropicErrorBody(errorResponse(error), requestId),
    });
    return new StreamableFile(stream, { type: SSE_CONTENT_TYPE });
  }

  @Post('count_tokens')
  @HttpCode(200)
  @ApiJsonBody(countTokensSchema)
  @ApiResponse({ status: 200, standardSchema: tokenCountSchema })
  countTokens(@Body({ schema: countTokensSchema }) body: CountTokensRequest): TokenCount {
    this.model.checkName(body.model);
    const conversation = chatFields(body);
    const tools = conversation.tool_choice === 'none' ? null : conversation.tools;
    return { input_tokens: chatPrompt(this.model, { ...conversation, tools }).tokenIds.length };
  }

  /** @throws InvalidRequestError where thoughts are asked for that the server does not look for */
  private thoughtBudget(thinking: MessageRequest['thinking']): number | undefined {
    const { parsesReasoning } = this.model.output;
    if (thinking?.type === 'disabled') return parsesReasoning ? 0 : undefined;
    if (thinking != null && !parsesReasoning) {
      const field = 'thinking';
      throw new InvalidRequestError(`${field}: the server runs with --reasoning-parser none; remove the field`, { field });
    }
    return thinking?.type === 'enabled' ? thinking.budget_tokens : undefined;
  }
}
