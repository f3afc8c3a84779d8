import { describe, expect, it } from 'vitest';
import { SpanIds, spanIdText, TRACE_WORDS, traceparentText, writeTraceId } from './trace-ids.js';

describe('ids of spans', () => {
  it('count within a thread, past the end of a word too, and are never all zero', () => {
    const ids = new SpanIds(() => 0);
    expect([ids.high, ids.next(), ids.next()]).toEqual([1, 1, 2]);
    const last = new SpanIds(() => (2 ** 32 - 1) / 2 ** 32);
    expect(spanIdText(last.high, last.next())).toBe('ffffffff00000000');
  });

  it('cross threads as words and are text again', () => {
    const words = new Uint32Array(TRACE_WORDS); // [6]
    expect(traceparentText(words)).toBe('');
    writeTraceId('4bf92f3577b34da6a3ce929d0e0e4736', words);
    words.set([0x00f067aa, 0x0ba902b7], 4);
    expect(traceparentText(words)).toBe('00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01');
  });
});
