import type { WorkerStatus } from '@ringmesh/engine';
import { createLogger } from '@ringmesh/telemetry';
import { beforeEach, expect, it } from 'vitest';
import { WorkerLog } from './worker-log.js';

const lines: string[] = [];
let now = 0;
let workerLog: WorkerLog;

beforeEach(() => {
  lines.length = 0;
  const log = createLogger({ name: 'router', pretty: false, destination: { write: (text) => void lines.push(text) } });
  workerLog = new WorkerLog(log, () => now);
});

function changed(...states: [WorkerStatus['state'], detail: string][]): (string | undefined)[] {
  const before = lines.length;
  for (const [state, detail] of states) workerLog.changed([{ address: 'a:1', state, shards: [0], detail }]);
  return lines.slice(before).map((line) => /"msg":"([^";]*)/.exec(line)?.[1]);
}

it('writes a line for each change, once; attempts to connect are none', () => {
  const bad = 'worker cannot be used';
  expect(changed(['connecting', ''], ['unreachable', 'refused'], ['connecting', ''], ['unreachable', 'refused'])).toEqual([bad]);
  expect(lines[0]).toContain('refused');
  expect(lines[0]).toContain('a:1');
  expect(changed(['unreachable', 'no route'])).toEqual([bad]);
  expect(changed(['loading', '1 of 8'], ['loading', '2 of 8'], ['ready', ''], ['ready', ''])).toHaveLength(2);
  expect(changed(['unreachable', 'no route'])).toEqual([bad]);
});

it('repeats a cause that lasts, once a minute', () => {
  expect(changed(['unreachable', 'refused'])).toHaveLength(1);
  now += 59;
  expect(changed(['unreachable', 'refused'])).toHaveLength(0);
  now += 1;
  expect(changed(['unreachable', 'refused'])).toHaveLength(1);
});
