/** A line as pino writes it. */
interface LogEntry {
  level: string;
  /** ISO 8601. */
  time: string;
  name: string;
  msg?: string;
  err?: unknown;
  [field: string]: unknown;
}

/** `12:00:01.250 info  router: listening url=http://127.0.0.1:8000` from a JSON log line; an error's stack follows on lines of its own. */
export function formatLogLine(json: string): string {
  const { level, time, name, msg = '', err, ...fields } = JSON.parse(json) as LogEntry;
  const clock = time.slice(11, 23);
  const details = Object.entries(fields).map(([key, value]) => ` ${key}=${formatValue(value)}`);
  return `${clock} ${level.padEnd(5)} ${name}: ${msg}${details.join('')}${formatError(err)}\n`;
}

function formatValue(value: unknown): string {
  return typeof value === 'string' && !/\s/.test(value) ? value : JSON.stringify(value);
}

function formatError(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('stack' in error)) return '';
  return `\n${String(error.stack)}`;
}
