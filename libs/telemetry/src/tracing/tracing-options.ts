import { InvalidOptionError } from '@ringmesh/core';

/** Which requests are traced that come without a sampling decision, or also those that come with one. */
export interface SamplingRule {
  /** Of the traces that begin here, 0…1. */
  ratio: number;
  /** Whether the decision of whoever sent the request counts instead. */
  followsParent: boolean;
}

export interface TracingOptions {
  /** Where spans are posted, as OTLP in protobuf over HTTP. */
  url: string;
  sampling: SamplingRule;
  /** Of the resource; undefined: what the process is. */
  serviceName: string | undefined;
}

export type Environment = Record<string, string | undefined>;

const OPTION = '--otlp-traces-endpoint';
const SAMPLERS = ['always_on', 'always_off', 'traceidratio', 'parentbased_always_on', 'parentbased_always_off', 'parentbased_traceidratio'];
const PROTOCOLS = ['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'OTEL_EXPORTER_OTLP_PROTOCOL'];

/**
 * Where traces go: the option, or OpenTelemetry's own variables
 * (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/). Those that are not named here are read by its exporter.
 * @returns null where nobody asks for traces
 * @throws InvalidOptionError naming the option or variable
 */
export function parseTracing(endpoint: string | undefined, environment: Environment = process.env): TracingOptions | null {
  const variable = (name: string): string | undefined => environment[name]?.trim() || undefined;
  const isDisabled = variable('OTEL_SDK_DISABLED')?.toLowerCase() === 'true' || variable('OTEL_TRACES_EXPORTER') === 'none';
  const url = endpointOf(endpoint, variable);
  if (url === null || (isDisabled && endpoint === undefined)) return null;
  for (const name of PROTOCOLS) {
    const protocol = variable(name);
    if (protocol !== undefined && protocol !== 'http/protobuf')
      throw invalid(name, `is ${protocol}: traces are sent as http/protobuf only`);
  }
  return { url, sampling: samplingOf(variable), serviceName: variable('OTEL_SERVICE_NAME') };
}

type Variable = (name: string) => string | undefined;

function endpointOf(endpoint: string | undefined, variable: Variable): string | null {
  const TRACES = 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT';
  const ALL = 'OTEL_EXPORTER_OTLP_ENDPOINT';
  if (endpoint !== undefined) {
    const url = checkUrl(OPTION, endpoint);
    if (url.pathname === '/') url.pathname = '/v1/traces';
    return url.href;
  }
  const traces = variable(TRACES);
  if (traces !== undefined) return checkUrl(TRACES, traces).href;
  const all = variable(ALL);
  if (all === undefined) return null;
  const url = checkUrl(ALL, all);
  url.pathname = `${url.pathname.replace(/\/$/, '')}/v1/traces`;
  return url.href;
}

function checkUrl(name: string, text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url?.protocol === 'grpc:' || url?.protocol === 'grpcs:') {
    throw invalid(name, `is ${text}: traces are sent over HTTP, which collectors take at another port: http://HOST:4318`);
  }
  if ((url?.protocol !== 'http:' && url?.protocol !== 'https:') || url.hash !== '') {
    throw invalid(name, `is ${JSON.stringify(text)}: give the URL of an OTLP collector, for example http://localhost:4318/v1/traces`);
  }
  return url;
}

function samplingOf(variable: Variable): SamplingRule {
  const sampler = variable('OTEL_TRACES_SAMPLER') ?? 'parentbased_always_on';
  if (!SAMPLERS.includes(sampler)) throw invalid('OTEL_TRACES_SAMPLER', `is ${sampler}: give one of ${SAMPLERS.join(', ')}`);
  const followsParent = sampler.startsWith('parentbased_');
  if (!sampler.endsWith('traceidratio')) return { ratio: sampler.endsWith('always_on') ? 1 : 0, followsParent };
  const argument = variable('OTEL_TRACES_SAMPLER_ARG') ?? '1';
  const ratio = Number(argument);
  if (!(ratio >= 0 && ratio <= 1)) throw invalid('OTEL_TRACES_SAMPLER_ARG', `is ${argument}: give a number from 0 to 1`);
  return { ratio, followsParent };
}

function invalid(field: string, problem: string): InvalidOptionError {
  return new InvalidOptionError(`${field} ${problem}`, { field });
}
