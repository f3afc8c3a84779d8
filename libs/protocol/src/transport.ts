import type { ChannelOptions } from '@grpc/grpc-js';
import type { ChannelShape } from './channel-layout.js';
import { maxReplyBytes, maxRequestBytes } from './wire-limits.js';

/**
 * Bytes a peer may send before it has to wait for our acknowledgement. HTTP/2's default of 64 KiB stops a prefill's 4 MB message 64 times
 * (docs/engine-notes.md, Transport).
 */
export const RECEIVE_WINDOW_BYTES = 8 * 1024 * 1024;

/** A peer that does not answer a ping in time is gone, though its socket may still look open. */
const KEEPALIVE: ChannelOptions = {
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5_000,
  'grpc.keepalive_permit_without_calls': 1,
};

/** A router's connection to one worker. It is made anew after every failure, by a backoff of ours, so grpc-js itself must not retry. */
export function channelOptions(shape: ChannelShape): ChannelOptions {
  return {
    ...KEEPALIVE,
    'grpc.max_send_message_length': maxRequestBytes(shape),
    'grpc.max_receive_message_length': maxReplyBytes(shape),
    'grpc-node.flow_control_window': RECEIVE_WINDOW_BYTES,
    'grpc.use_local_subchannel_pool': 1,
    'grpc.enable_retries': 0,
    'grpc.enable_http_proxy': 0,
    'grpc.enable_channelz': 0,
  };
}

/** A worker's server. `maxStreams` bounds the calls of one connection. */
export function serverOptions(shape: ChannelShape, maxStreams: number): ChannelOptions {
  return {
    ...KEEPALIVE,
    'grpc.max_send_message_length': maxReplyBytes(shape),
    'grpc.max_receive_message_length': maxRequestBytes(shape),
    'grpc.max_concurrent_streams': maxStreams,
    'grpc.enable_channelz': 0,
  };
}
