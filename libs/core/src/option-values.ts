import { InvalidOptionError } from './errors.js';

/** Values of command-line options. Each returns undefined for an option that was not given, and throws InvalidOptionError for a bad one. */

const BYTE_UNITS: Record<string, number> = {
  '': 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
  tib: 1024 ** 4,
};
const SECOND_UNITS: Record<string, number> = { ms: 0.001, '': 1, s: 1, m: 60, min: 60, h: 3600 };

export function parseInteger(option: string, text: string | undefined, min: number, max: number): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max) throw invalid(option, text, `an integer from ${min} to ${max}`);
  return value;
}

export function parseChoice<T extends string>(option: string, text: string | undefined, choices: readonly T[]): T | undefined {
  if (text === undefined) return undefined;
  const choice = choices.find((candidate) => candidate === text);
  if (choice === undefined) throw invalid(option, text, `one of ${choices.join(', ')}`);
  return choice;
}

/** `512MiB`, `2GiB`, `1.5GB` or plain bytes. @returns bytes */
export function parseBytes(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const bytes = withUnit(text, BYTE_UNITS);
  if (bytes === undefined || bytes < 1) throw invalid(option, text, 'a size, for example 512MiB or 2GiB');
  return Math.floor(bytes);
}

/** `30`, `30s`, `500ms`, `2m`, `24h`, within limits in seconds. @returns milliseconds */
export function parseSeconds(option: string, text: string | undefined, min: number, max: number): number | undefined {
  if (text === undefined) return undefined;
  const seconds = withUnit(text, SECOND_UNITS);
  if (seconds === undefined || seconds < min || seconds > max) {
    throw invalid(option, text, `a time from ${min} to ${max} seconds, for example 30 or 500ms`);
  }
  return Math.round(seconds * 1000);
}

/** Ends within the 30 seconds that Kubernetes gives a pod by default, with time to spare for telling clients. */
const DEFAULT_SHUTDOWN_TIMEOUT_MS = 25_000;

/** How long requests under way may take to finish once a process is told to end. @returns milliseconds */
export function parseShutdownTimeout(text: string | undefined): number {
  return parseSeconds('--shutdown-timeout', text, 0, 3600) ?? DEFAULT_SHUTDOWN_TIMEOUT_MS;
}

function withUnit(text: string, units: Record<string, number>): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text);
  const unit = units[match?.[2]?.toLowerCase() ?? ''];
  return match === null || unit === undefined ? undefined : Number(match[1]) * unit;
}

function invalid(option: string, text: string, expected: string): InvalidOptionError {
  return new InvalidOptionError(`${option}: ${JSON.stringify(text)} is not ${expected}`, { field: option });
}
