import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { BatchSpanProcessor, type ReadableSpan, type SpanExporter, type SpanProcessor } from '@opentelemetry/sdk-trace';
import { Counter } from 'prom-client';
import type { Logger } from '../logger.js';
import type { MetricsRegistry } from '../registry.js';

/** Spans that wait to be sent at most: about 8 MiB. More are dropped, and counted. */
const MAX_WAITING = 8192;
const BATCH_SIZE = 512;
const DELAY_MS = 1000;
/** How long a batch is tried, again and again; the process does not end before. */
const EXPORT_TIMEOUT_MS = 5000;
/** How long the end of the process waits for what is left to be sent. */
const CLOSE_TIMEOUT_MS = 2000;

/** Spans by what became of them. */
const OUTCOMES = ['exported', 'failed', 'dropped'] as const;

/** Sends spans to a collector, in the background and in batches. Whatever is wrong with the collector costs spans, and nothing else. */
export class SpanExport implements SpanProcessor {
  private readonly batches: BatchSpanProcessor;
  private readonly spans: Counter<'outcome'>;
  private waiting = 0;
  private isFailing = false;

  constructor(
    private readonly url: string,
    registry: MetricsRegistry,
    private readonly log: Logger,
  ) {
    const help = 'Spans of traces, by what became of them.';
    this.spans = new Counter({ name: 'ringmesh:trace_spans_total', help, labelNames: ['outcome'], registers: [registry] });
    for (const outcome of OUTCOMES) this.spans.inc({ outcome }, 0);
    const otlp = new OTLPTraceExporter({ url, timeoutMillis: EXPORT_TIMEOUT_MS });
    const exporter: SpanExporter = {
      export: (spans, done) => {
        this.waiting -= spans.length;
        otlp.export(spans, (result) => {
          this.settle(spans.length, result);
          done({ code: ExportResultCode.SUCCESS }); // what there is to say of a failure is said
        });
      },
      shutdown: () => otlp.shutdown(),
    };
    this.batches = new BatchSpanProcessor({
      exporter,
      maxQueueSize: MAX_WAITING,
      maxExportBatchSize: BATCH_SIZE,
      scheduledDelayMillis: DELAY_MS,
    });
  }

  onStart(): void {
    // Only what has ended is sent.
  }

  onEnd(span: ReadableSpan): void {
    if (this.waiting >= MAX_WAITING) {
      this.spans.inc({ outcome: 'dropped' });
    } else {
      this.waiting++;
      this.batches.onEnd(span);
    }
  }

  forceFlush(): Promise<void> {
    return this.batches.forceFlush();
  }

  /** Sends what waits, as far as that goes in a moment. */
  async shutdown(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => (timer = setTimeout(resolve, CLOSE_TIMEOUT_MS)));
    await Promise.race([this.batches.shutdown(), patience]);
    clearTimeout(timer);
  }

  /** Once for each time that the collector goes away. */
  private settle(count: number, { code, error }: ExportResult): void {
    const hasFailed = code !== ExportResultCode.SUCCESS;
    this.spans.inc({ outcome: hasFailed ? 'failed' : 'exported' }, count);
    if (hasFailed && !this.isFailing) {
      const { url } = this;
      const why = `traces cannot be sent to ${url} (${error?.message ?? 'no reason is known'})`;
      this.log.warn({ url }, `${why}: their spans are lost until they can; nothing else is affected`);
    }
    this.isFailing = hasFailed;
  }
}
