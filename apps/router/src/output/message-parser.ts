import { type MessageFormat, type PartEvent, PartParser } from './part-parser.js';

/** A piece of a tool call, as OpenAI streams it: id and name with the first one. */
export interface ToolCallDelta {
  index: number;
  id?: string;
  type?: 'function';
  function: { name?: string; arguments: string };
}

/** What a piece of text adds to the assistant's message of a chat, which does not tell the order of answer and calls. */
export interface MessageDelta {
  reasoning: string;
  content: string;
  toolCalls: ToolCallDelta[];
}

/** Turns the text of a reply into the fields of a chat's message. */
export class MessageParser {
  private readonly parts: PartParser;
  private numCalls = 0;

  constructor(format: MessageFormat) {
    this.parts = new PartParser(format);
  }

  get hasToolCalls(): boolean {
    return this.numCalls > 0;
  }

  push(text: string): MessageDelta {
    return this.delta(this.parts.push(text));
  }

  /** The last text. */
  end(text: string): MessageDelta {
    return this.delta(this.parts.end(text));
  }

  private delta(events: PartEvent[]): MessageDelta {
    const delta: MessageDelta = { reasoning: '', content: '', toolCalls: [] };
    for (const event of events) {
      if (event.type === 'reasoning' || event.type === 'content') delta[event.type] += event.text;
      else this.addCall(delta.toolCalls, event);
    }
    return delta;
  }

  private addCall(deltas: ToolCallDelta[], event: Extract<PartEvent, { index: number }>): void {
    const { index } = event;
    if (event.type === 'call') {
      this.numCalls++;
      deltas.push({ index, id: event.id, type: 'function', function: { name: event.name, arguments: '' } });
    } else if (deltas.at(-1)?.index === index) {
      deltas.at(-1)!.function.arguments += event.text;
    } else {
      deltas.push({ index, function: { arguments: event.text } });
    }
  }
}
