import type { WorkerStatus } from '@ringmesh/engine';
import { createLogger } from '@ringmesh/telemetry';
import { expect, it } from 'vitest';
import { WorkerLog } from './worker-log.js';

it('writes a line for each change that matters, once', () => {
  const lines: string[] = [];
  const log = createLogger({ name: 'router', pretty: false, destination: { write: (text) => void lines.push(text) } });
  const workerLog = new WorkerLog(log);
  const worker = (state: WorkerStatus['state'], detail = ''): WorkerStatus => ({ address: 'a:1', state, shards: [0], detail });
  for (const state of ['connecting', 'unreachable', 'connecting', 'unreachable', 'connecting', 'ready', 'ready', 'unreachable'] as const) {
    workerLog.changed([worker(state, 'refused')]);
  }
  expect(lines.map((line) => /"msg":"([^";]*)/.exec(line)?.[1])).toEqual([
    'worker cannot be used',
    'worker is ready',
    'worker cannot be used',
  ]);
  expect(lines[0]).toContain('refused');
  expect(lines[0]).toContain('a:1');
});
