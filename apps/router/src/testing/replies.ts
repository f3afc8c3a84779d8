import type { TextEvent } from '../generation/generate-text.js';
import type { Indexed } from '../generation/merge.js';
import type { Block } from '../output/block-builder.js';
import type { MessageFormat } from '../output/part-parser.js';

/** A reply of a model, and what it is made of. */
export interface TestReply {
  text: string;
  blocks: Block[];
}

export const ARGUMENTS = '{"x": "✓ </tool_call>"}';

/** A format whose call ids are `call_0`, `call_1`, … */
export function testFormat(): MessageFormat {
  let numIds = 0;
  return { reasoning: { startsInside: false }, toolCalls: { parallel: true, newId: () => `call_${numIds++}` } };
}

/** Replies with and without a thought, and after it answers and calls in every order, up to `maxParts` of them. */
export function interleavedReplies(maxParts: number): TestReply[] {
  const replies: TestReply[] = [];
  for (const thought of ['', 'Hm. 思考']) {
    for (let length = 0; length <= maxParts; length++) {
      for (let choice = 0; choice < 2 ** length; choice++) {
        replies.push(
          reply(
            thought,
            Array.from({ length }, (_, part) => ((choice >> part) & 1) === 1),
          ),
        );
      }
    }
  }
  return replies;
}

function reply(thought: string, parts: boolean[]): TestReply {
  const blocks: Block[] = thought === '' ? [] : [{ type: 'reasoning', text: thought }];
  let text = thought === '' ? '' : `<think>\n${thought}\n</think>\n\n`;
  let numCalls = 0;
  for (const [index, isCall] of parts.entries()) {
    const last = blocks.at(-1);
    if (isCall) {
      text += `<tool_call>\n{"name": "f${index}", "arguments": ${ARGUMENTS}}\n</tool_call>`;
      blocks.push({ type: 'call', id: `call_${numCalls++}`, name: `f${index}`, arguments: ARGUMENTS });
    } else {
      const said = `Text ${index}.`;
      text += said;
      if (last?.type === 'content') last.text += said;
      else blocks.push({ type: 'content', text: said });
    }
  }
  return { text, blocks };
}

/** What the text generator tells of a reply whose tokens are these pieces. */
export async function* generated(
  pieces: string[],
  finished: Partial<Extract<TextEvent, { type: 'finished' }>> = {},
): AsyncGenerator<Indexed<TextEvent>, void> {
  const events: TextEvent[] = [
    { type: 'started', queueSeconds: 0, cachedTokens: 0 },
    ...pieces.map((text) => ({ type: 'token' as const, text, tokenId: 1 })),
    { type: 'finished', text: '', reason: 'stop', stopReason: null, ...finished },
  ];
  for (const value of events) yield { index: 0, value };
  await Promise.resolve();
}
