import type { TextEvent, TextFinished, TextToken } from '../../generation/generate-text.js';
import type { Indexed } from '../../generation/merge.js';
import type { Block, BlockEvent } from '../../output/block-builder.js';
import type { MessageFormat } from '../../output/part-parser.js';
import { Reply } from '../../output/reply.js';
import type { ContentBlock, ContentDelta, MessageEvent, MessageObject } from './message-object.js';

/** Tokens that are not told, as of a thought that is kept back, before a ping tells clients and proxies that the stream lives. */
const TOKENS_A_PING = 32;

export interface MessageBuilderOptions {
  id: string;
  model: string;
  promptTokens: number;
  format: MessageFormat;
  includeReasoning: boolean;
}

/** A message on its way to the client: the events of its stream, and in the end the whole. */
export class MessageBuilder {
  private readonly reply: Reply;
  private stop: Pick<MessageObject, 'stop_reason' | 'stop_sequence'> = { stop_reason: null, stop_sequence: null };
  private silentTokens = 0;
  private cachedTokens = 0;

  constructor(private readonly options: MessageBuilderOptions) {
    this.reply = new Reply(options.format, options);
  }

  message(): MessageObject {
    const { id, model } = this.options;
    const content = this.reply.blocks.map(contentBlock);
    return { id, type: 'message', role: 'assistant', model, content, ...this.stop, usage: { ...this.usage(), service_tier: 'standard' } };
  }

  /** @param cachedTokens of the prompt: those that did not have to be computed */
  start(cachedTokens: number): MessageEvent[] {
    this.cachedTokens = cachedTokens;
    return [{ type: 'message_start', message: this.message() }, { type: 'ping' }];
  }

  push(token: TextToken): MessageEvent[] {
    const events = this.reply.push(token).map(blockEvent);
    this.silentTokens = events.length > 0 ? 0 : this.silentTokens + 1;
    if (this.silentTokens < TOKENS_A_PING) return events;
    this.silentTokens = 0;
    return [{ type: 'ping' }];
  }

  end(finished: TextFinished): MessageEvent[] {
    const events = this.reply.end(finished).map(blockEvent);
    this.stop = this.stopOf(finished);
    return [...events, { type: 'message_delta', delta: this.stop, usage: this.usage() }, { type: 'message_stop' }];
  }

  private stopOf({ reason, stopReason }: TextFinished): Pick<MessageObject, 'stop_reason' | 'stop_sequence'> {
    if (reason === 'length') return { stop_reason: 'max_tokens', stop_sequence: null };
    if (typeof stopReason === 'string') return { stop_reason: 'stop_sequence', stop_sequence: stopReason };
    return { stop_reason: this.reply.hasToolCalls ? 'tool_use' : 'end_turn', stop_sequence: null };
  }

  private usage(): Omit<MessageObject['usage'], 'service_tier'> {
    return {
      input_tokens: this.options.promptTokens - this.cachedTokens,
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: this.cachedTokens,
      output_tokens: this.reply.numTokens,
      output_tokens_details: { thinking_tokens: this.reply.numReasoningTokens },
    };
  }
}

/** The events of a message. @throws what the generation fails with */
export async function* messageEvents(
  events: AsyncGenerator<Indexed<TextEvent>, void>,
  builder: MessageBuilder,
): AsyncGenerator<MessageEvent, void> {
  for await (const { value } of events) {
    if (value.type === 'started') yield* builder.start(value.cachedTokens);
    else if (value.type === 'token') yield* builder.push(value);
    else if (value.type === 'finished') yield* builder.end(value);
  }
}

function blockEvent(event: BlockEvent): MessageEvent {
  const { index, block } = event;
  switch (event.type) {
    case 'start':
      return { type: 'content_block_start', index, content_block: emptyBlock(block) };
    case 'delta':
      return { type: 'content_block_delta', index, delta: contentDelta(block, event.text) };
    case 'stop':
      return { type: 'content_block_stop', index };
  }
}

function emptyBlock(block: Block): ContentBlock {
  return contentBlock(block.type === 'call' ? { ...block, arguments: '{}' } : { ...block, text: '' });
}

function contentBlock(block: Block): ContentBlock {
  if (block.type === 'call') return { type: 'tool_use', id: block.id, name: block.name, input: inputOf(block.arguments) };
  if (block.type === 'reasoning') return { type: 'thinking', thinking: block.text, signature: '' };
  return { type: 'text', text: block.text, citations: null };
}

function contentDelta(block: Block, text: string): ContentDelta {
  if (block.type === 'call') return { type: 'input_json_delta', partial_json: text };
  return block.type === 'reasoning' ? { type: 'thinking_delta', thinking: text } : { type: 'text_delta', text };
}

/** The model may write what is no JSON, or be cut: then the text is told, in the form that Anthropic's documentation gives for it. */
function inputOf(json: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return { INVALID_JSON: json };
  }
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : { INVALID_JSON: json };
}
