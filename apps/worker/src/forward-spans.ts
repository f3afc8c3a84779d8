import { monotonicSeconds } from '@ringmesh/core';
import type { ExpertBatch } from '@ringmesh/protocol';
import type { Tracer, TraceSpan } from '@ringmesh/telemetry';
import type { ThreadAnswer } from './compute-thread.js';

/** Makes the spans of requests that a router traces: `Forward`, a child of the router's own span, and `compute` of each thread below it. */
export class ForwardSpans {
  constructor(private readonly tracer: Tracer) {}

  /** A request has come, traced or not. */
  received(): ForwardSpan {
    return new ForwardSpan(this.tracer, monotonicSeconds());
  }
}

/** Of one request. Nothing is made of it where the request turns out not to be traced. */
class ForwardSpan {
  private span: TraceSpan | null = null;

  constructor(
    private readonly tracer: Tracer,
    private readonly receivedAt: number,
  ) {}

  /** It was read. @param traceparent empty where it is not traced */
  read(traceparent: string, { layer, numTokens, rows }: ExpertBatch): void {
    const parent = traceparent === '' ? undefined : this.tracer.remoteParent({ traceparent });
    if (parent === undefined) return;
    const attributes = {
      'rpc.system.name': 'grpc',
      'rpc.method': 'ringmesh.expert.v1.ExpertService/Forward',
      'ringmesh.layer': layer,
      'ringmesh.tokens': numTokens,
      'ringmesh.rows': rows.length,
    };
    this.span = this.tracer.start('Forward', { parent, kind: 'server', startedAt: this.receivedAt, attributes });
  }

  /** Its reply is written. */
  replied(answers: ThreadAnswer[]): void {
    const { span } = this;
    if (span === null) return;
    for (const { computedAt, queueSeconds } of answers) {
      const attributes = { 'ringmesh.queue_seconds': queueSeconds };
      this.tracer.start('compute', { parent: span.context, startedAt: computedAt.from, attributes }).end(computedAt.to);
    }
    span.end();
  }

  failed(status: string, message: string): void {
    this.span?.fail(status, message).end();
  }
}
