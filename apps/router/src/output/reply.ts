import type { TextFinished, TextToken } from '../generation/generate-text.js';
import { type Block, BlockBuilder, type BlockEvent } from './block-builder.js';
import { type MessageFormat, PartParser } from './part-parser.js';

/** One reply on its way to the client: its text becomes blocks, its tokens are counted. */
export class Reply {
  numTokens = 0;
  numReasoningTokens = 0;
  private readonly parser: PartParser;
  private readonly builder = new BlockBuilder();
  private readonly keepsThoughts: boolean;

  /** @param options.includeReasoning false: thoughts are counted and dropped */
  constructor(format: MessageFormat, { includeReasoning }: { includeReasoning: boolean }) {
    this.parser = new PartParser(format);
    this.keepsThoughts = includeReasoning;
  }

  get blocks(): readonly Block[] {
    return this.builder.blocks;
  }

  get hasToolCalls(): boolean {
    return this.blocks.some(({ type }) => type === 'call');
  }

  push({ text, isReasoning }: TextToken): BlockEvent[] {
    this.numTokens++;
    if (isReasoning) this.numReasoningTokens++;
    return this.build(this.parser.push(text));
  }

  end({ text }: TextFinished): BlockEvent[] {
    return [...this.build(this.parser.end(text)), ...this.builder.end()];
  }

  private build(events: ReturnType<PartParser['push']>): BlockEvent[] {
    return this.builder.push(this.keepsThoughts ? events : events.filter(({ type }) => type !== 'reasoning'));
  }
}
