import { ReasoningParser } from '@ringmesh/tokenizer';
import { ToolCallParser } from './tool-call-parser.js';

/** A piece of a tool call, as OpenAI streams it: id and name with the first one. */
export interface ToolCallDelta {
  index: number;
  id?: string;
  type?: 'function';
  function: { name?: string; arguments: string };
}

/** What a piece of text adds to the assistant's message. */
export interface MessageDelta {
  reasoning: string;
  content: string;
  toolCalls: ToolCallDelta[];
}

export interface MessageFormat {
  /** Undefined: the text has no thought to look for. */
  reasoning?: { startsInside: boolean } | undefined;
  /** Undefined: the text has no tool calls to look for. */
  toolCalls?: { parallel: boolean; newId: () => string } | undefined;
}

/** Turns the text of a reply into the parts of a message: the thought, then answer and tool calls. */
export class MessageParser {
  private readonly reasoning: ReasoningParser | undefined;
  private readonly toolCalls: ToolCallParser | undefined;
  private numCalls = 0;

  constructor(private readonly format: MessageFormat) {
    this.reasoning = format.reasoning && new ReasoningParser(format.reasoning.startsInside);
    this.toolCalls = format.toolCalls && new ToolCallParser();
  }

  get hasToolCalls(): boolean {
    return this.numCalls > 0;
  }

  push(text: string): MessageDelta {
    return this.read(text, false);
  }

  /** The last text. */
  end(text: string): MessageDelta {
    return this.read(text, true);
  }

  private read(text: string, isLast: boolean): MessageDelta {
    let [reasoning, content] = ['', text];
    if (this.reasoning !== undefined) {
      const split = this.reasoning.push(text);
      const rest = isLast ? this.reasoning.flush() : { reasoning: '', content: '' };
      reasoning = split.reasoning + rest.reasoning;
      content = split.content + rest.content;
    }
    if (this.toolCalls === undefined) return { reasoning, content, toolCalls: [] };
    const events = [...this.toolCalls.push(content), ...(isLast ? this.toolCalls.flush() : [])];
    const delta: MessageDelta = { reasoning, content: '', toolCalls: [] };
    for (const event of events) {
      if (event.type === 'content') delta.content += event.text;
      else if (event.index === 0 || this.format.toolCalls!.parallel) this.addCall(delta.toolCalls, event);
    }
    return delta;
  }

  private addCall(deltas: ToolCallDelta[], event: { index: number; name: string } | { index: number; text: string }): void {
    const { index } = event;
    if ('name' in event) {
      this.numCalls++;
      deltas.push({ index, id: this.format.toolCalls!.newId(), type: 'function', function: { name: event.name, arguments: '' } });
    } else if (deltas.at(-1)?.index === index) {
      deltas.at(-1)!.function.arguments += event.text;
    } else {
      deltas.push({ index, function: { arguments: event.text } });
    }
  }
}
