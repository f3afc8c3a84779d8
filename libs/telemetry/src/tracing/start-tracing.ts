import type { Tracer, TracerParts } from './tracer.js';
import type { TracingOptions } from './tracing-options.js';

/** @returns undefined where nobody asks for traces: then nothing of OpenTelemetry is loaded */
export async function startTracing(options: TracingOptions | null, parts: TracerParts): Promise<Tracer | undefined> {
  if (options === null) return undefined;
  const { Tracer } = await import('./tracer.js');
  return new Tracer(options, parts);
}
