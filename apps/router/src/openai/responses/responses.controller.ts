import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Query, StreamableFile } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import { InvalidRequestError, ResponseNotFoundError } from '@ringmesh/core';
import type { Logger } from '@ringmesh/telemetry';
import type { Client } from '../../generation/client.js';
import type { TextGenerator } from '../../generation/text-generator.js';
import { ClientGoneError } from '../../http/client-gone.js';
import { FromClient } from '../../http/from-client.js';
import type { ServedModel } from '../../served-model.js';
import { LOGGER, MODEL, RESPONSE_STORE, TEXT_GENERATOR } from '../../tokens.js';
import { ApiJsonBody } from '../api-body.js';
import { eventStream, SSE_CONTENT_TYPE } from '../sse.js';
import { BackgroundResponses } from './background-responses.js';
import { type InputItemsQuery, inputItemsQuerySchema, inputItemList } from './input-item-list.js';
import { OwnResponses } from './own-responses.js';
import { prepareResponse } from './prepare-response.js';
import { responseEvents } from './response-builder.js';
import {
  type DeletedResponse,
  deletedResponseSchema,
  type InputItemList,
  inputItemListSchema,
  type ResponseObject,
  responseSchema,
} from './response-object.js';
import { type ResponseRequest, responseRequestSchema } from './response-request.js';
import { retrieveQuerySchema } from './retrieve-query.js';
import type { ResponseStore, StoredResponse } from './response-store.js';

/** POST /v1/responses, and what can be done with a response that is kept. */
@ApiTags('OpenAI')
@Controller('v1/responses')
export class ResponsesController {
  private readonly background: BackgroundResponses;

  constructor(
    @Inject(MODEL) private readonly model: ServedModel,
    @Inject(TEXT_GENERATOR) private readonly generator: TextGenerator,
    @Inject(RESPONSE_STORE) private readonly store: ResponseStore,
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    this.background = new BackgroundResponses(store, log);
  }

  @Post()
  @HttpCode(200)
  @ApiJsonBody(responseRequestSchema)
  @ApiResponse({ status: 200, description: 'The response; an event stream with "stream": true.', standardSchema: responseSchema })
  async create(
    @Body({ schema: responseRequestSchema }) body: ResponseRequest,
    @FromClient() client: Client,
  ): Promise<ResponseObject | StreamableFile> {
    this.model.checkName(body.model);
    const own = this.responsesOf(client);
    const { id, builder, requests, input, isStored } = await prepareResponse(this.model, own, body);
    if (body.background) {
      const { apiKey } = client;
      const job = { builder, input, apiKeyName: apiKey?.name ?? null };
      return this.background.start(job, (signal) => this.generator.generate(requests, { apiKey, signal }));
    }

    const keep = (): void => {
      if (isStored) own.keep(builder.response(), input);
    };
    const events = responseEvents(this.generator.generate(requests, client), builder, keep);
    if (!body.stream) {
      while (!(await events.next()).done);
      return builder.response();
    }
    const onError = (err: unknown): void => this.log.error({ err, id }, 'stream failed');
    const failure = (error: unknown): object => {
      const event = builder.fail(error);
      if (!(error instanceof ClientGoneError)) keep();
      return event;
    };
    const stream = await eventStream(events, onError, { isNamed: true, end: '', failure });
    return new StreamableFile(stream, { type: SSE_CONTENT_TYPE });
  }

  @Get(':id')
  @ApiResponse({ status: 200, standardSchema: responseSchema })
  retrieve(@Param('id') id: string, @Query({ schema: retrieveQuerySchema }) _query: object, @FromClient() client: Client): ResponseObject {
    return this.find(id, client).response;
  }

  @Get(':id/input_items')
  @ApiResponse({ status: 200, description: 'The input of this response alone.', standardSchema: inputItemListSchema })
  inputItems(
    @Param('id') id: string,
    @Query({ schema: inputItemsQuerySchema }) query: InputItemsQuery,
    @FromClient() client: Client,
  ): InputItemList {
    return inputItemList(this.find(id, client).input, query);
  }

  @Post(':id/cancel')
  @HttpCode(200)
  @ApiResponse({ status: 200, description: 'The response, which may have ended before.', standardSchema: responseSchema })
  cancel(@Param('id') id: string, @FromClient() client: Client): ResponseObject {
    const { background } = this.find(id, client).response;
    if (!background) {
      throw new InvalidRequestError(
        'Only a response that was asked for with "background": true can be cancelled: close the connection instead',
      );
    }
    return this.responsesOf(client).cancel(id)!;
  }

  @Delete(':id')
  @ApiResponse({ status: 200, standardSchema: deletedResponseSchema })
  delete(@Param('id') id: string, @FromClient() client: Client): DeletedResponse {
    if (!this.responsesOf(client).delete(id)) throw notFound(id);
    return { id, object: 'response', deleted: true };
  }

  private responsesOf({ apiKey }: Client): OwnResponses {
    return new OwnResponses(this.store, this.background, apiKey?.name ?? null);
  }

  /** @throws ResponseNotFoundError */
  private find(id: string, client: Client): StoredResponse {
    const found = this.responsesOf(client).find(id);
    if (found === undefined) throw notFound(id);
    return found;
  }
}

function notFound(id: string): ResponseNotFoundError {
  return new ResponseNotFoundError(`The response ${JSON.stringify(id)} is not kept here, or not any more`);
}
