import type { TextFinished, TextToken } from '../../generation/generate-text.js';
import { type MessageDelta, MessageParser, type ToolCallDelta } from '../../output/message-parser.js';
import type { MessageFormat } from '../../output/part-parser.js';
import type { ChatChunk, ChatCompletion } from '../schemas/responses.js';

type Message = ChatCompletion['choices'][number]['message'];
type Delta = ChatChunk['choices'][number]['delta'];
type ChatFinishReason = ChatCompletion['choices'][number]['finish_reason'];

/** One reply on its way to the client: its text becomes parts of a message, its tokens are counted. */
export class ChatChoice {
  numTokens = 0;
  numReasoningTokens = 0;
  private readonly parser: MessageParser;
  private readonly includeReasoning: boolean;

  constructor({ format, includeReasoning }: { format: MessageFormat; includeReasoning: boolean }) {
    this.parser = new MessageParser(format);
    this.includeReasoning = includeReasoning;
  }

  count({ isReasoning }: TextToken): void {
    this.numTokens++;
    if (isReasoning) this.numReasoningTokens++;
  }

  /** Whether the client may see the token. */
  tells({ isReasoning }: TextToken): boolean {
    return this.includeReasoning || !isReasoning;
  }

  /** @returns what the text adds to the message; no fields where it adds nothing */
  push(text: string): Delta {
    return this.delta(this.parser.push(text));
  }

  end({ text, reason }: TextFinished): { delta: Delta; finishReason: ChatFinishReason } {
    const delta = this.delta(this.parser.end(text));
    return { delta, finishReason: this.finishReason(reason) };
  }

  /** The message of a whole text. */
  whole(text: string, { reason }: TextFinished): { message: Message; finishReason: ChatFinishReason } {
    const { reasoning, content, toolCalls } = this.parser.end(text);
    const calls = toolCalls.length > 0 ? { tool_calls: toolCalls.map(toolCall) } : {};
    const message: Message = {
      role: 'assistant',
      content: content === '' && (reasoning !== '' || toolCalls.length > 0) ? null : content,
      ...(this.includeReasoning && reasoning !== '' ? { reasoning_content: reasoning } : {}),
      ...calls,
    };
    return { message, finishReason: this.finishReason(reason) };
  }

  private delta({ reasoning, content, toolCalls }: MessageDelta): Delta {
    return {
      ...(this.includeReasoning && reasoning !== '' ? { reasoning_content: reasoning } : {}),
      ...(content === '' ? {} : { content }),
      ...(toolCalls.length > 0 ? { tool_calls: toolCalls } : {}),
    };
  }

  private finishReason(reason: TextFinished['reason']): ChatFinishReason {
    return reason === 'stop' && this.parser.hasToolCalls ? 'tool_calls' : reason;
  }
}

/** A call of which nothing is to come. */
function toolCall({ id, function: { name, arguments: json } }: ToolCallDelta): NonNullable<Message['tool_calls']>[number] {
  return { id: id!, type: 'function', function: { name: name!, arguments: json } };
}
