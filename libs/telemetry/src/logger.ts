import { pino, stdTimeFunctions, type Logger as PinoLogger } from 'pino';
import { formatLogLine } from './pretty.js';

export type Logger = PinoLogger;

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LoggerOptions {
  /** Who writes: `router`, `worker`, `cli`. */
  name: string;
  level?: LogLevel;
  /** One readable line an entry instead of JSON; by default where stderr is a terminal. */
  pretty?: boolean;
  /** Where entries go: stderr unless a test says otherwise. */
  destination?: { write(text: string): void };
}

/** What must never reach a log, wherever a caller put it. */
const SECRETS = ['authorization', 'apiKey', 'password', 'token', 'redisUrl'];

/** A logger that writes to stderr: stdout stays free for what a command prints. */
export function createLogger({ name, level = 'info', pretty = process.stderr.isTTY, destination }: LoggerOptions): Logger {
  const target = destination ?? pino.destination({ fd: 2, sync: true });
  return pino(
    {
      name,
      level,
      base: {},
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRETS.flatMap((secret) => [secret, `*.${secret}`, `*.*.${secret}`]), censor: '[redacted]' },
    },
    pretty ? { write: (line: string) => target.write(formatLogLine(line)) } : target,
  );
}
