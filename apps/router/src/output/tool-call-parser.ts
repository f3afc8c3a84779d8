import { partialTagLength } from '@ringmesh/tokenizer';
import { JsonObjectScanner } from './json-object-scanner.js';

export const TOOL_CALL_OPEN = '<tool_call>';
export const TOOL_CALL_CLOSE = '</tool_call>';

/** `call` comes before the `arguments` of its index, whose texts together are the call's JSON. */
export type ToolCallEvent =
  { type: 'content'; text: string } | { type: 'call'; index: number; name: string } | { type: 'arguments'; index: number; text: string };

/** The usual beginning, after which the arguments can be passed on as they come. */
const HEADER = /^\s*\{\s*"name"\s*:\s*"([\w.:/-]+)"\s*,\s*"arguments"\s*:\s*(?=\{)/;

/**
 * Finds `<tool_call>{"name": …, "arguments": {…}}</tool_call>` in an answer, the form of Ring's and Ling's templates (vLLM's `hermes` parser). Text
 * that is no such call stays content, tags included; blanks around calls are dropped. Once a call has begun, its arguments are what the model
 * wrote, also where that is no valid JSON, as OpenAI documents it. The result does not depend on how the text was cut into pieces.
 */
export class ToolCallParser {
  private state: 'content' | 'header' | 'arguments' | 'tail' = 'content';
  private held = '';
  /** The opening tag and the blanks before it: content again if no call follows. */
  private opening = '';
  /** A call has just ended: blanks are dropped. */
  private afterCall = false;
  private scanner = new JsonObjectScanner();
  private numCalls = 0;
  private events: ToolCallEvent[] = [];

  push(text: string): ToolCallEvent[] {
    this.held += text;
    while (this.advance());
    return this.takeEvents();
  }

  /** Ends the text. @returns what was held back */
  flush(): ToolCallEvent[] {
    if (this.state === 'content') this.content(this.held);
    if (this.state === 'header') this.wholeCall(this.held, '');
    this.held = '';
    return this.takeEvents();
  }

  /** @returns whether there is more to do before more text comes */
  private advance(): boolean {
    switch (this.state) {
      case 'content':
        return this.readContent();
      case 'header':
        return this.readHeader();
      case 'arguments':
        return this.readArguments();
      case 'tail':
        return this.readTail();
    }
  }

  private readContent(): boolean {
    if (this.afterCall) this.held = this.held.trimStart();
    if (this.held !== '') this.afterCall = false;
    const start = this.held.indexOf(TOOL_CALL_OPEN);
    const end = start === -1 ? this.held.length - partialTagLength(this.held, TOOL_CALL_OPEN) : start;
    const shown = this.held.slice(0, end).trimEnd().length;
    this.content(this.held.slice(0, shown));
    if (start === -1) {
      this.held = this.held.slice(shown);
      return false;
    }
    const bodyStart = start + TOOL_CALL_OPEN.length;
    this.opening = this.held.slice(shown, bodyStart);
    this.held = this.held.slice(bodyStart);
    this.state = 'header';
    return true;
  }

  private readHeader(): boolean {
    const begun = this.held.trimStart();
    if (begun !== '' && !begun.startsWith('{')) return this.noCall();
    const end = this.held.indexOf(TOOL_CALL_CLOSE);
    const body = end === -1 ? this.held : this.held.slice(0, end);
    const header = HEADER.exec(body);
    if (header !== null) {
      this.events.push({ type: 'call', index: this.numCalls++, name: header[1]! });
      this.held = this.held.slice(header[0].length);
      this.scanner = new JsonObjectScanner();
      this.state = 'arguments';
      return true;
    }
    if (end === -1) return false;
    this.wholeCall(body, TOOL_CALL_CLOSE);
    this.held = this.held.slice(end + TOOL_CALL_CLOSE.length);
    this.state = 'content';
    return true;
  }

  private readArguments(): boolean {
    const length = this.scanner.scan(this.held);
    if (length > 0) this.events.push({ type: 'arguments', index: this.numCalls - 1, text: this.held.slice(0, length) });
    this.held = this.held.slice(length);
    if (!this.scanner.hasEnded) return false;
    this.state = 'tail';
    return true;
  }

  /** After the arguments: the call's last brace and the closing tag; anything else is content. */
  private readTail(): boolean {
    const rest = this.held.replace(/^\s*\}?\s*/, '');
    if (!rest.startsWith(TOOL_CALL_CLOSE) && TOOL_CALL_CLOSE.startsWith(rest)) return false;
    this.held = rest.startsWith(TOOL_CALL_CLOSE) ? rest.slice(TOOL_CALL_CLOSE.length) : rest;
    this.afterCall = true;
    this.state = 'content';
    return true;
  }

  /** A call whose fields come in another order, or none. */
  private wholeCall(body: string, closing: string): void {
    const call = parseCall(body);
    if (call === undefined) {
      this.content(this.opening + body + closing);
      return;
    }
    const index = this.numCalls++;
    this.events.push({ type: 'call', index, name: call.name }, { type: 'arguments', index, text: call.arguments });
    this.afterCall = true;
  }

  private noCall(): true {
    this.content(this.opening);
    this.state = 'content';
    return true;
  }

  private content(text: string): void {
    if (text !== '') this.events.push({ type: 'content', text });
  }

  private takeEvents(): ToolCallEvent[] {
    const { events } = this;
    this.events = [];
    return events;
  }
}

function parseCall(body: string): { name: string; arguments: string } | undefined {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return undefined; // no JSON, no call: the caller keeps the text
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { name, arguments: given = {} } = value as { name?: unknown; arguments?: unknown };
  if (typeof name !== 'string' || name === '') return undefined;
  if (typeof given === 'string') return { name, arguments: given }; // JSON in a string, as OpenAI's API has it
  return typeof given === 'object' && given !== null ? { name, arguments: JSON.stringify(given) } : undefined;
}
