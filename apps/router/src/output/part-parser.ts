import { ReasoningParser } from '@ringmesh/tokenizer';
import { type ToolCallEvent, ToolCallParser } from './tool-call-parser.js';

/** What is looked for in a reply. */
export interface MessageFormat {
  /** Undefined: the text has no thought to look for. */
  reasoning?: { startsInside: boolean } | undefined;
  /** Undefined: the text has no tool calls to look for. */
  toolCalls?: { parallel: boolean; newId: () => string } | undefined;
}

/** A piece of a reply's part. `call` comes before the `arguments` of its index. */
export type PartEvent =
  | { type: 'reasoning'; text: string }
  | { type: 'content'; text: string }
  | { type: 'call'; index: number; id: string; name: string }
  | { type: 'arguments'; index: number; text: string };

/** Turns the text of a reply into its parts, in their order: the thought, then answer and tool calls. No event's text is empty. */
export class PartParser {
  private readonly reasoning: ReasoningParser | undefined;
  private readonly toolCalls: ToolCallParser | undefined;

  constructor(private readonly format: MessageFormat) {
    this.reasoning = format.reasoning && new ReasoningParser(format.reasoning.startsInside);
    this.toolCalls = format.toolCalls && new ToolCallParser();
  }

  push(text: string): PartEvent[] {
    return this.read(text, false);
  }

  /** The last text. */
  end(text: string): PartEvent[] {
    return this.read(text, true);
  }

  private read(text: string, isLast: boolean): PartEvent[] {
    let [reasoning, content] = ['', text];
    if (this.reasoning !== undefined) {
      const split = this.reasoning.push(text);
      const rest = isLast ? this.reasoning.flush() : { reasoning: '', content: '' };
      reasoning = split.reasoning + rest.reasoning;
      content = split.content + rest.content;
    }
    return [...textEvents('reasoning', reasoning), ...this.readAnswer(content, isLast)];
  }

  private readAnswer(text: string, isLast: boolean): PartEvent[] {
    if (this.toolCalls === undefined) return textEvents('content', text);
    const events = [...this.toolCalls.push(text), ...(isLast ? this.toolCalls.flush() : [])];
    return events.flatMap((event) => this.partEvents(event, this.format.toolCalls!));
  }

  /** Without parallel calls only the first one is told. */
  private partEvents(event: ToolCallEvent, { parallel, newId }: { parallel: boolean; newId: () => string }): PartEvent[] {
    if (event.type === 'content') return textEvents('content', event.text);
    if (event.index > 0 && !parallel) return [];
    return event.type === 'call' ? [{ ...event, id: newId() }] : [event];
  }
}

function textEvents(type: 'reasoning' | 'content', text: string): PartEvent[] {
  return text === '' ? [] : [{ type, text }];
}
