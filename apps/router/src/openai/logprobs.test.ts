import { SAMPLE_MODEL } from '@ringmesh/testing';
import { Tokenizer } from '@ringmesh/tokenizer';
import { describe, expect, it } from 'vitest';
import type { TextToken } from '../generation/generate-text.js';
import { chatLogprobs, completionLogprobs, TokenWriter } from './logprobs.js';

const tokenizer = await Tokenizer.load(SAMPLE_MODEL);
const texts = new TokenWriter(tokenizer, false);
const [hel, one, check] = ['hel', '1', '✓'].map((text) => tokenizer.encode(text)[0]!) as [number, number, number];

const token = (tokenId: number, logprob: number, ...topLogprobs: { tokenId: number; logprob: number }[]): TextToken => ({
  type: 'token',
  text: '',
  tokenId,
  logprob,
  topLogprobs,
});

describe('chatLogprobs', () => {
  it('writes text, bytes and alternatives of each token', () => {
    const { content } = chatLogprobs([token(hel, -1, { tokenId: one, logprob: -0.5 }, { tokenId: hel, logprob: -1 })], texts);
    expect(content).toEqual([
      {
        token: 'hel',
        logprob: -1,
        bytes: [104, 101, 108],
        top_logprobs: [
          { token: '1', logprob: -0.5, bytes: [49] },
          { token: 'hel', logprob: -1, bytes: [104, 101, 108] },
        ],
      },
    ]);
  });

  it('gives the true bytes of a token that is only part of a character', () => {
    const { content } = chatLogprobs([token(check, -1)], texts);
    expect(content[0]!.bytes).toEqual([...Buffer.from('✓')].slice(0, content[0]!.bytes.length));
  });

  it('writes −∞ as a number that JSON has', () => {
    expect(chatLogprobs([token(one, -Infinity)], texts).content[0]!.logprob).toBe(-9999);
  });
});

describe('completionLogprobs', () => {
  it('counts text offsets from where it starts and adds the chosen token to the alternatives', () => {
    const tokens = [token(hel, -1, { tokenId: one, logprob: -0.5 }), token(one, -0.2, { tokenId: one, logprob: -0.2 })];
    expect(completionLogprobs(tokens, texts, 10)).toEqual({
      tokens: ['hel', '1'],
      token_logprobs: [-1, -0.2],
      top_logprobs: [{ hel: -1, 1: -0.5 }, { 1: -0.2 }],
      text_offset: [10, 13],
    });
  });

  it('can write tokens as ids', () => {
    const { tokens, top_logprobs } = completionLogprobs([token(hel, -1)], new TokenWriter(tokenizer, true), 0);
    expect(tokens).toEqual([`token_id:${hel}`]);
    expect(top_logprobs).toEqual([{ [`token_id:${hel}`]: -1 }]);
  });
});
