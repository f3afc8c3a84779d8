import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { Forwarder } from './forwarder.js';

/** One Forward stream of a router: its requests are answered in the order in which they are done. */
export class ForwardStream {
  private inFlight = 0;
  private isEnding = false;

  constructor(
    private readonly call: ServerDuplexStream<Buffer, Buffer>,
    private readonly forwarder: Forwarder,
  ) {
    call.on('data', (bytes: Buffer) => void this.answer(bytes));
    call.on('end', () => this.end());
  }

  /** Ends the stream as soon as all that came is answered. */
  end(): void {
    this.isEnding = true;
    if (this.inFlight === 0) this.call.end();
  }

  private async answer(bytes: Buffer): Promise<void> {
    const { call } = this;
    this.inFlight++;
    const reply = await this.forwarder.answer(bytes, () => !call.cancelled);
    this.inFlight--;
    if (call.cancelled) return;
    // A router that does not read its replies is not read from either: replies must not pile up here.
    if (!call.write(reply)) {
      call.pause();
      call.once('drain', () => call.resume());
    }
    if (this.isEnding) this.end();
  }
}
