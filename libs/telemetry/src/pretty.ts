/** `12:00:01.250 info  router: listening url=http://127.0.0.1:8000` from a JSON log line; an error's stack follows on lines of its own. */
export function formatLogLine(json: string): string {
  const { level, time, name, msg, err, ...fields } = JSON.parse(json) as Record<string, unknown>;
  const clock = String(time).slice(11, 23);
  const details = Object.entries(fields).map(([key, value]) => ` ${key}=${formatValue(value)}`);
  return `${clock} ${String(level).padEnd(5)} ${String(name)}: ${String(msg ?? '')}${details.join('')}${formatError(err)}\n`;
}

function formatValue(value: unknown): string {
  return typeof value === 'string' && !/\s/.test(value) ? value : JSON.stringify(value);
}

function formatError(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('stack' in error)) return '';
  return `\n${String(error.stack)}`;
}
