import { readFileSync } from 'node:fs';
import {
  type Attributes,
  defaultTextMapGetter,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Tracer as OpenTelemetryTracer,
} from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { defaultResource, detectResources, resourceAttributesEnvDetector, resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  type IdGenerator,
  ParentBasedSampler,
  RandomIdGenerator,
  type Sampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { monotonicSeconds } from '@ringmesh/core';
import type { Logger } from '../logger.js';
import type { MetricsRegistry } from '../registry.js';
import { EpochClock } from './epoch-clock.js';
import { SpanExport } from './span-export.js';
import type { SamplingRule, TracingOptions } from './tracing-options.js';

export type { Attributes, SpanContext };

export interface TracerParts {
  /** Name of the service, unless the environment has another. */
  service: string;
  registry: MetricsRegistry;
  log: Logger;
}

export interface SpanOptions {
  /** Undefined: it begins a trace. */
  parent?: SpanContext | undefined;
  /** `internal` unless given. */
  kind?: 'server' | 'client' | 'internal';
  /** By `monotonicSeconds`; now unless given. */
  startedAt?: number;
  attributes?: Attributes;
  /** Spans that this one belongs together with. */
  links?: SpanContext[];
  /** 16 hexadecimal digits, of a span that others have been told of already; a new one unless given. */
  id?: string;
}

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };

const KINDS = { server: SpanKind.SERVER, client: SpanKind.CLIENT, internal: SpanKind.INTERNAL };

/** Makes spans and sends them to a collector. The one place that knows OpenTelemetry: it is loaded only where traces are asked for. */
export class Tracer {
  private readonly clock = new EpochClock();
  private readonly ids = new SpanIdGenerator();
  private readonly propagator = new W3CTraceContextPropagator();
  private readonly provider: TracerProvider;
  private readonly tracer: OpenTelemetryTracer;

  constructor({ url, sampling, serviceName }: TracingOptions, { service, registry, log }: TracerParts) {
    const own = { 'service.name': serviceName ?? service, 'service.version': version, 'process.pid': process.pid };
    const resource = defaultResource()
      .merge(resourceFromAttributes(own))
      .merge(detectResources({ detectors: [resourceAttributesEnvDetector] }));
    const spanProcessors = [new SpanExport(url, registry, log)];
    this.provider = new TracerProvider({ resource, sampler: samplerOf(sampling), idGenerator: this.ids, spanProcessors });
    this.tracer = this.provider.getTracer('ringmesh', version);
  }

  /** The span that whoever sent these headers wants to be the parent; undefined where there is none, or none that is well-formed. */
  remoteParent(headers: Record<string, string | string[] | undefined>): SpanContext | undefined {
    return trace.getSpanContext(this.propagator.extract(ROOT_CONTEXT, headers, defaultTextMapGetter));
  }

  start(name: string, { parent, kind = 'internal', startedAt, attributes, links, id }: SpanOptions): TraceSpan {
    if (kind === 'server') this.clock.calibrate();
    this.ids.next = id;
    const context = parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent);
    const options = {
      kind: KINDS[kind],
      startTime: this.clock.at(startedAt ?? monotonicSeconds()),
      ...(attributes && { attributes }),
      ...(links && { links: links.map((link) => ({ context: link })) }),
    };
    return new TraceSpan(this.tracer.startSpan(name, options, context), this.clock);
  }

  /** Sends what is left, as far as that goes in a moment. */
  close(): Promise<void> {
    return this.provider.shutdown();
  }
}

/** A span that has begun. Not sampled, it is nothing but its context. */
export class TraceSpan {
  constructor(
    private readonly span: Span,
    private readonly clock: EpochClock,
  ) {}

  get context(): SpanContext {
    return this.span.spanContext();
  }

  get isSampled(): boolean {
    return (this.context.traceFlags & TraceFlags.SAMPLED) !== 0;
  }

  set(attributes: Attributes): this {
    this.span.setAttributes(attributes);
    return this;
  }

  /** @param type a code, `error.type` of the conventions */
  fail(type: string, message: string): this {
    this.span.setStatus({ code: SpanStatusCode.ERROR, message });
    return this.set({ 'error.type': type });
  }

  /** @param endedAt by `monotonicSeconds`; now unless given */
  end(endedAt = monotonicSeconds()): void {
    this.span.end(this.clock.at(endedAt));
  }
}

/** Random ids, but for spans whose id was made elsewhere. */
class SpanIdGenerator implements IdGenerator {
  next: string | undefined;
  private readonly random = new RandomIdGenerator();

  generateTraceId(): string {
    return this.random.generateTraceId();
  }

  generateSpanId(): string {
    return this.next ?? this.random.generateSpanId();
  }
}

function samplerOf({ ratio, followsParent }: SamplingRule): Sampler {
  const root = ratio === 1 ? new AlwaysOnSampler() : ratio === 0 ? new AlwaysOffSampler() : new TraceIdRatioBasedSampler(ratio);
  return followsParent ? new ParentBasedSampler({ root }) : root;
}
