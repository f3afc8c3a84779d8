import { describe, expect, it } from 'vitest';
import { Doorbell } from './doorbell.js';
import { type ChannelShape, ExpertChannel } from './expert-channel.js';

const shape: ChannelShape = { hiddenSize: 3, maxTokens: 2, numExperts: 5, expertsPerToken: 2, numShards: 5 };
const header = { layer: 4, epoch: 7, numTokens: 2, numExperts: 1, numRows: 2, numNodes: 1 };

/** Both ends of one channel, as two threads would hold them. */
function connect() {
  const clientBell = new Doorbell();
  const client = ExpertChannel.create(shape, new Doorbell(), clientBell);
  return { client, server: new ExpertChannel(client.buffers), clientBell };
}

describe('ExpertChannel', () => {
  it('carries a batch there and partial sums back', () => {
    const { client, server, clientBell } = connect();
    client.hidden.set([1, 2, 3, 4, 5, 6]);
    client.experts.set([3]);
    client.counts.set([2]);
    client.rows.set([0, 1]);
    client.weights.set([0.25, 0.75]);
    client.nodes.set([3]);
    client.request(header);
    expect(server.takeRequest()).toEqual({
      layer: 4,
      epoch: 7,
      numTokens: 2,
      hidden: Float32Array.of(1, 2, 3, 4, 5, 6),
      experts: Int32Array.of(3),
      counts: Int32Array.of(2),
      rows: Int32Array.of(0, 1),
      weights: Float32Array.of(0.25, 0.75),
      nodes: Int32Array.of(3),
    });
    expect(server.takeRequest()).toBeNull();
    expect(client.isAnswered).toBe(false);

    server.partials.set([9, 8, 7]);
    server.reply(1);
    expect(clientBell.value).toBe(1);
    expect(client.takeAnswer()).toEqual({ partials: Float32Array.of(9, 8, 7) });
    expect(client.isIdle).toBe(true);
    expect(client.exchangeSeconds).toBeGreaterThanOrEqual(0);
  });

  it('carries a failure, cut between characters', () => {
    const { client, server } = connect();
    client.request(header);
    server.takeRequest();
    server.fail('€'.repeat(1000));
    expect(client.takeAnswer()).toEqual({ failure: '€'.repeat(341) });
  });

  it('fails what is pending when it is closed, and every request after that', () => {
    const { client, server, clientBell } = connect();
    client.request(header);
    server.takeRequest();
    server.close('thread 1 ended');
    expect(client.takeAnswer()).toEqual({ failure: 'thread 1 ended' });
    server.reply(1);
    expect(client.isIdle).toBe(true);

    client.request(header);
    expect(client.takeAnswer()).toEqual({ failure: 'thread 1 ended' });
    expect(server.takeRequest()).toBeNull();
    expect(clientBell.value).toBe(2);
  });
});
