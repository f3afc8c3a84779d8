import type { TextEvent, TextFinished, TextToken } from '../../generation/generate-text.js';
import type { Indexed } from '../../generation/merge.js';
import type { Block, BlockEvent } from '../../output/block-builder.js';
import type { MessageFormat } from '../../output/part-parser.js';
import { Reply } from '../../output/reply.js';
import { errorResponse } from '../error-response.js';
import { itemEvents, outputItem, type ResponseEventBody } from './item-events.js';
import type { ItemStatus, ResponseObject, ResponseSettings, ResponseUsage } from './response-object.js';

export type ResponseEvent = ResponseEventBody & { sequence_number: number };

export interface ResponseBuilderOptions {
  settings: ResponseSettings;
  format: MessageFormat;
  promptTokens: number;
  /** Makes the ids of items from prefixes: `msg`, `rs`, `fc`. */
  newId: (prefix: string) => string;
  /** Unix time in seconds. */
  now: () => number;
}

const ID_PREFIXES: Record<Block['type'], string> = { reasoning: 'rs', content: 'msg', call: 'fc' };

/** A response on its way to the client: at any time the whole object, and the events that lead there. */
export class ResponseBuilder {
  private readonly reply: Reply;
  private readonly itemIds: string[] = [];
  private status: ResponseObject['status'] = 'queued';
  private error: ResponseObject['error'] = null;
  private completedAt: number | null = null;
  private cachedTokens = 0;
  private numEvents = 0;

  constructor(private readonly options: ResponseBuilderOptions) {
    this.reply = new Reply(options.format, { includeReasoning: true });
  }

  get hasEnded(): boolean {
    return this.status !== 'queued' && this.status !== 'in_progress';
  }

  response(): ResponseObject {
    const { status, reply } = this;
    const last = reply.blocks.length - 1;
    return {
      ...this.options.settings,
      object: 'response',
      status,
      completed_at: this.completedAt,
      error: this.error,
      incomplete_details: status === 'incomplete' ? { reason: 'max_output_tokens' } : null,
      output: reply.blocks.map((block, index) =>
        outputItem(this.itemIds[index]!, block, index < last ? 'completed' : this.lastItemStatus()),
      ),
      usage: this.hasEnded ? this.usage() : null,
    };
  }

  /** @param cachedTokens of the prompt: those that did not have to be computed */
  start(cachedTokens: number): ResponseEvent[] {
    this.cachedTokens = cachedTokens;
    this.status = 'in_progress';
    return this.numbered(['response.created', 'response.in_progress'].map((type) => this.lifecycle(type as 'response.created')));
  }

  push(token: TextToken): ResponseEvent[] {
    return this.numbered(this.items(this.reply.push(token), 'completed'));
  }

  end(finished: TextFinished): ResponseEvent[] {
    const events = this.reply.end(finished);
    this.status = finished.reason === 'length' ? 'incomplete' : 'completed';
    if (this.status === 'completed') this.completedAt = this.options.now();
    return this.numbered([...this.items(events, this.lastItemStatus()), this.lifecycle(`response.${this.status}`)]);
  }

  /** @returns the event of a failure of ours; what was generated before stays */
  fail(error: unknown): ResponseEvent {
    this.status = 'failed';
    this.error = { code: 'server_error', message: errorResponse(error).body.error.message };
    return this.numbered([this.lifecycle('response.failed')])[0]!;
  }

  cancel(): void {
    this.status = 'cancelled';
  }

  private lastItemStatus(): ItemStatus {
    if (this.status === 'completed') return 'completed';
    return this.hasEnded ? 'incomplete' : 'in_progress';
  }

  /** @param lastStatus of the reply's last item, if it ends: those before it are complete */
  private items(events: BlockEvent[], lastStatus: ItemStatus): ResponseEventBody[] {
    return events.flatMap((event) => {
      const id = (this.itemIds[event.index] ??= this.options.newId(ID_PREFIXES[event.block.type]));
      return itemEvents(event, id, event.index === this.reply.blocks.length - 1 ? lastStatus : 'completed');
    });
  }

  private lifecycle(type: Extract<ResponseEventBody, { response: unknown }>['type']): ResponseEventBody {
    return { type, response: this.response() };
  }

  private numbered(events: ResponseEventBody[]): ResponseEvent[] {
    return events.map((event) => ({ ...event, sequence_number: this.numEvents++ }));
  }

  private usage(): ResponseUsage {
    const { promptTokens } = this.options;
    const { numTokens, numReasoningTokens } = this.reply;
    return {
      input_tokens: promptTokens,
      input_tokens_details: { cached_tokens: this.cachedTokens, cache_write_tokens: 0 },
      output_tokens: numTokens,
      output_tokens_details: { reasoning_tokens: numReasoningTokens },
      total_tokens: promptTokens + numTokens,
    };
  }
}

/**
 * Builds a response of what is generated. @param onEnd the response is whole; before the client hears of it
 * @throws what the generation fails with
 */
export async function* responseEvents(
  events: AsyncGenerator<Indexed<TextEvent>, void>,
  builder: ResponseBuilder,
  onEnd: () => void,
): AsyncGenerator<ResponseEvent, void> {
  for await (const { value } of events) {
    if (value.type === 'started') {
      yield* builder.start(value.cachedTokens);
    } else if (value.type === 'token') {
      yield* builder.push(value);
    } else if (value.type === 'finished') {
      const last = builder.end(value);
      onEnd();
      yield* last;
    }
  }
}
