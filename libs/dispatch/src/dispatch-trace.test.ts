import { SpanIds, traceparentText } from '@ringmesh/core';
import { Doorbell, ExpertChannel } from '@ringmesh/protocol';
import { describe, expect, it } from 'vitest';
import { HostCounters } from './dispatch-stats.js';
import { DispatchTrace, EXCHANGE_NUMBERS } from './dispatch-trace.js';
import { type Exchange, HostState } from './expert-host.js';

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const shape = { hiddenSize: 2, maxTokens: 1, numExperts: 2, expertsPerToken: 1, numShards: 2 };

function exchangeWith(id: string): Exchange {
  const { buffers } = ExpertChannel.create(shape, new Doorbell(), new Doorbell());
  return new HostState({ id, shards: [0, 1], channels: [buffers] }, { shape, numSlots: 1 }, new HostCounters()).exchanges[0]!;
}

describe('DispatchTrace', () => {
  it('tells hosts of traced steps under which span they work, and those of others nothing', () => {
    const trace = new DispatchTrace(new SpanIds(() => 0), () => 5);
    const [a, b] = [exchangeWith('a'), exchangeWith('b')];
    trace.start(TRACE_ID, 10);
    a.want(0, 3);
    trace.sending(a, 7);
    trace.sending(b, 7);
    expect(traceparentText(a.channel.trace)).toBe(`00-${TRACE_ID}-0000000100000001-01`);
    expect(traceparentText(b.channel.trace)).toBe(`00-${TRACE_ID}-0000000100000002-01`);
    b.overdue = true;
    trace.settled(a, false);
    trace.settled(b, true);
    const { hosts, exchanges, dropped } = trace.take();
    expect([hosts, dropped]).toEqual([['a', 'b'], 0]);
    expect([...exchanges.subarray(0, 4)]).toEqual([1, 7, 0, 3]);
    expect([...exchanges.subarray(EXCHANGE_NUMBERS)]).toEqual([2, 7, 1, 0, 0, 5, 1]);
    trace.sending(a, 8);
    expect(traceparentText(a.channel.trace)).toBe('');
  });

  it('counts what is more than the limit, and tells nobody of it', () => {
    const trace = new DispatchTrace(new SpanIds(() => 0), () => 5);
    const exchange = exchangeWith('a');
    trace.start(TRACE_ID, 2);
    for (let layer = 0; layer < 5; layer++) {
      trace.sending(exchange, layer);
      trace.settled(exchange, false);
    }
    expect(traceparentText(exchange.channel.trace)).toBe('');
    const { exchanges, dropped } = trace.take();
    expect([exchanges.length / EXCHANGE_NUMBERS, dropped]).toEqual([2, 3]);
  });
});
