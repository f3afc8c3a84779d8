import { InvalidOptionError } from '@ringmesh/core';
import { describe, expect, it } from 'vitest';
import { type Environment, parseTracing } from './tracing-options.js';

const COLLECTOR = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };

describe('parseTracing', () => {
  it.each<[what: string, option: string | undefined, environment: Environment, url: string | null]>([
    ['nobody asks', undefined, {}, null],
    ['the variables are empty', undefined, { OTEL_EXPORTER_OTLP_ENDPOINT: '', OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: ' ' }, null],
    ['the option has a path', 'https://a:1/some/path', {}, 'https://a:1/some/path'],
    ['the option has none', 'http://localhost:4318', {}, 'http://localhost:4318/v1/traces'],
    [
      'the variable of all signals is a base',
      undefined,
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://a:4318/otlp/' },
      'http://a:4318/otlp/v1/traces',
    ],
    ['that of traces is taken as it is', undefined, { ...COLLECTOR, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://b:1/' }, 'http://b:1/'],
    ['the option is nearer than variables', 'http://c:1/x', COLLECTOR, 'http://c:1/x'],
    ['the variables are switched off', undefined, { ...COLLECTOR, OTEL_SDK_DISABLED: 'true' }, null],
    ['they name another exporter', undefined, { ...COLLECTOR, OTEL_TRACES_EXPORTER: 'none' }, null],
  ])('%s', (_, option, environment, url) => {
    expect(parseTracing(option, environment)?.url ?? null).toBe(url);
  });

  it.each<[sampler: Environment, ratio: number, followsParent: boolean]>([
    [{}, 1, true],
    [{ OTEL_TRACES_SAMPLER: 'always_off' }, 0, false],
    [{ OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.25' }, 0.25, true],
    [{ OTEL_TRACES_SAMPLER: 'traceidratio' }, 1, false],
  ])('samples as %j says', (sampler, ratio, followsParent) => {
    expect(parseTracing('http://a', sampler)!.sampling).toEqual({ ratio, followsParent });
  });

  it.each<[field: string, option: string | undefined, environment: Environment, remedy: RegExp]>([
    ['--otlp-traces-endpoint', 'localhost:4318', {}, /http:\/\/localhost:4318/],
    ['--otlp-traces-endpoint', '', {}, /give the URL/],
    ['--otlp-traces-endpoint', 'grpc://a:4317', {}, /over HTTP.*4318/],
    ['--otlp-traces-endpoint', 'file:///tmp/x', {}, /give the URL/],
    ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', undefined, { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'nowhere' }, /give the URL/],
    ['OTEL_EXPORTER_OTLP_PROTOCOL', 'http://a', { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, /http\/protobuf/],
    ['OTEL_TRACES_SAMPLER', 'http://a', { OTEL_TRACES_SAMPLER: 'sometimes' }, /one of always_on/],
    ['OTEL_TRACES_SAMPLER_ARG', 'http://a', { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '7' }, /from 0 to 1/],
  ])('refuses a bad %s and says what it takes: %j %j', (field, option, environment, remedy) => {
    const parse = (): unknown => parseTracing(option, environment);
    expect(parse).toThrow(InvalidOptionError);
    expect(parse).toThrow(remedy);
    expect(parse).toThrow(expect.objectContaining({ field }) as Error);
  });
});
