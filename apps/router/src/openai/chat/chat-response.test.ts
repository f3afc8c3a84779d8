import { SAMPLE_MODEL } from '@ringmesh/testing';
import { Tokenizer } from '@ringmesh/tokenizer';
import { describe, expect, it } from 'vitest';
import type { TextEvent } from '../../generation/generate-text.js';
import type { Indexed } from '../../generation/merge.js';
import { TokenWriter } from '../logprobs.js';
import type { ChatChunk } from '../schemas/responses.js';
import { collectChoices } from '../text-choice.js';
import { chatChunks, chatCompletion, type ChatResponseOptions } from './chat-response.js';

const CALL = ['<tool_call>', '{"name": "f", ', '"arguments": {', '"x": 1}', '}</tool_call>'];
/** Two replies to one prompt, a piece a token. */
const REPLIES = [
  ['<think>', '\nA', ' b\n', '</think>', '\n\n', 'One'],
  ['Two: ', ...CALL],
];

const options: ChatResponseOptions = {
  id: 'chatcmpl-1',
  created: 1,
  model: 'm',
  promptIds: [1, 2],
  format: { reasoning: { startsInside: false }, toolCalls: { parallel: true, newId: () => 'call_1' } },
  includeReasoning: true,
  logprobs: true,
  returnTokenIds: false,
  includeUsage: true,
  continuousUsage: false,
  writer: new TokenWriter(await Tokenizer.load(SAMPLE_MODEL), false),
};

/** The pieces of both replies in turn. */
async function* interleaved(): AsyncGenerator<Indexed<TextEvent>, void> {
  for (let position = 0; position < 6; position++) {
    for (const [index, reply] of REPLIES.entries()) {
      const isReasoning = index === 0 && (position === 1 || position === 2);
      yield { index, value: { type: 'token', text: reply[position]!, tokenId: 5, logprob: -1, topLogprobs: [], isReasoning } };
    }
  }
  for (const index of [1, 0]) yield { index, value: { type: 'finished', text: '', reason: 'stop', stopReason: null } };
  await Promise.resolve();
}

describe('chat responses', () => {
  it('keep several choices apart, streamed or not', async () => {
    const whole = chatCompletion(await collectChoices(interleaved()), options);
    const calls = [{ id: 'call_1', type: 'function', function: { name: 'f', arguments: '{"x": 1}' } }];
    expect(whole.choices).toMatchObject([
      { index: 0, finish_reason: 'stop', message: { content: 'One', reasoning_content: 'A b' } },
      { index: 1, finish_reason: 'tool_calls', message: { content: 'Two:', tool_calls: calls } },
    ]);
    expect(whole.choices.map(({ logprobs }) => logprobs!.content.length)).toEqual([6, 6]);
    expect(whole.usage).toMatchObject({ prompt_tokens: 2, completion_tokens: 12, completion_tokens_details: { reasoning_tokens: 2 } });

    const chunks: ChatChunk[] = [];
    for await (const chunk of chatChunks(interleaved(), options)) chunks.push(chunk);
    for (const { index, message, finish_reason, logprobs } of whole.choices) {
      const own = chunks.flatMap(({ choices }) => choices.filter((choice) => choice.index === index));
      expect(own[0]!.delta).toEqual({ role: 'assistant', content: '' });
      expect(own.map(({ delta }) => delta.content ?? '').join('')).toBe(message.content);
      expect(own.map(({ delta }) => delta.reasoning_content ?? '').join('')).toBe(message.reasoning_content ?? '');
      const pieces = own.flatMap(({ delta }) => delta.tool_calls ?? []);
      expect(pieces.map((piece) => piece.function.arguments).join('')).toBe(message.tool_calls?.[0]?.function.arguments ?? '');
      expect(own.flatMap((choice) => choice.logprobs?.content ?? [])).toEqual(logprobs!.content);
      expect(own.map((choice) => choice.finish_reason)).toEqual([...own.slice(1).map(() => null), finish_reason]);
    }
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: whole.usage });
  });
});
