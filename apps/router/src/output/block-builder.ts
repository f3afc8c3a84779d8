import type { PartEvent } from './part-parser.js';

/** A part of a reply in its place among the others. */
export type Block =
  | { type: 'reasoning' | 'content'; text: string }
  | { type: 'call'; id: string; name: string; /** JSON, as the model wrote it. */ arguments: string };

/** A block begins empty, grows, and ends before the next one begins. */
export type BlockEvent =
  | { type: 'start'; index: number; block: Block }
  | { type: 'delta'; index: number; block: Block; text: string }
  | { type: 'stop'; index: number; block: Block };

/** Gathers pieces of parts into blocks, one after the other, as the Responses and Messages APIs show a reply. */
export class BlockBuilder {
  readonly blocks: Block[] = [];
  private isOpen = false;

  /** @returns what the events do to the blocks; the blocks are live */
  push(events: PartEvent[]): BlockEvent[] {
    return events.flatMap((event) => this.add(event));
  }

  /** Ends the last block. */
  end(): BlockEvent[] {
    if (!this.isOpen) return [];
    this.isOpen = false;
    return [{ type: 'stop', ...this.last() }];
  }

  private add(event: PartEvent): BlockEvent[] {
    if (event.type === 'call') return this.start({ type: 'call', id: event.id, name: event.name, arguments: '' });
    if (event.type === 'arguments') return [this.grow(event.text)];
    const continues = this.isOpen && this.blocks.at(-1)!.type === event.type;
    return [...(continues ? [] : this.start({ type: event.type, text: '' })), this.grow(event.text)];
  }

  private start(block: Block): BlockEvent[] {
    const ended = this.end();
    this.blocks.push(block);
    this.isOpen = true;
    return [...ended, { type: 'start', ...this.last() }];
  }

  private grow(text: string): BlockEvent {
    const { index, block } = this.last();
    if (block.type === 'call') block.arguments += text;
    else block.text += text;
    return { type: 'delta', index, block, text };
  }

  private last(): { index: number; block: Block } {
    return { index: this.blocks.length - 1, block: this.blocks.at(-1)! };
  }
}
