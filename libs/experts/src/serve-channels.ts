import { type ChannelBuffers, Doorbell, ExpertChannel } from '@ringmesh/protocol';
import type { ExpertStore } from './expert-store.js';

/** Answers the requests of channels that share a server bell, blocking the thread, until all of them are closed. */
export function serveChannels(store: ExpertStore, buffers: ChannelBuffers[]): void {
  const channels = buffers.map((each) => new ExpertChannel(each));
  const bell = new Doorbell(buffers[0]!.serverBell);
  for (;;) {
    // Read before anything is looked at: a request or the end that comes after the look changes it, and nobody sleeps through.
    const seen = bell.value;
    if (channels.every((channel) => channel.isClosed)) return;
    if (!serveWaiting(store, channels)) bell.wait(seen);
  }
}

/** Answers the requests that wait now. @returns false where there was none */
export function serveWaiting(store: ExpertStore, channels: ExpertChannel[]): boolean {
  let served = false;
  for (const channel of channels) served = serveRequest(store, channel) || served;
  return served;
}

/** Answers the channel's request. @returns false where there is none */
function serveRequest(store: ExpertStore, channel: ExpertChannel): boolean {
  const batch = channel.takeRequest();
  if (batch === null) return false;
  try {
    channel.reply(store.forward(batch, channel.partials));
  } catch (error) {
    channel.fail(error instanceof Error ? error.message : String(error));
  }
  return true;
}
