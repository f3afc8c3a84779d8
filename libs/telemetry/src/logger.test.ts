import { describe, expect, it } from 'vitest';
import { createLogger } from './logger.js';

function capture(pretty: boolean): { lines: string[]; log: ReturnType<typeof createLogger> } {
  const lines: string[] = [];
  return { lines, log: createLogger({ name: 'router', level: 'info', pretty, destination: { write: (text) => void lines.push(text) } }) };
}

describe('createLogger', () => {
  it('writes JSON with a readable level and time', () => {
    const { lines, log } = capture(false);
    log.info({ url: 'http://x' }, 'listening');
    log.debug('not at this level');
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0]!)).toMatchObject({
      level: 'info',
      name: 'router',
      url: 'http://x',
      msg: 'listening',
    });
  });

  it('writes one line an entry when pretty, and an error with its stack', () => {
    const { lines, log } = capture(true);
    log.warn({ worker: '10.0.0.1:7000', tries: 3 }, 'worker not reachable');
    log.error({ err: new Error('boom') }, 'failed');
    expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d\.\d{3} warn {2}router: worker not reachable worker=10\.0\.0\.1:7000 tries=3\n$/);
    expect(lines[1]).toMatch(/error router: failed\nError: boom\n\s+at /);
  });

  it.each([true, false])('never writes a secret (pretty: %s)', (pretty) => {
    const { lines, log } = capture(pretty);
    log.info(
      { authorization: 'hunter2', req: { headers: { authorization: 'hunter2' } }, options: { redisUrl: 'redis://:hunter2@r' } },
      'request',
    );
    expect(lines.join('')).toContain('[redacted]');
    expect(lines.join('')).not.toContain('hunter2');
  });
});
