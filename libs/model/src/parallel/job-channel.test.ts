import { Doorbell } from '@ringmesh/protocol';
import { expect, it } from 'vitest';
import { type Job, JobChannel } from './job-channel.js';

const JOB: Job = { kind: 'mlp', batch: 7, layer: 27, parts: 0b10, numRows: 512 };

function bothEnds(): { leader: JobChannel; worker: JobChannel; workerBell: Doorbell; leaderBell: Doorbell } {
  const [workerBell, leaderBell] = [new Doorbell(), new Doorbell()];
  const buffers = JobChannel.create(workerBell, leaderBell);
  return { leader: new JobChannel(buffers), worker: new JobChannel(buffers), workerBell, leaderBell };
}

it('hands a job over once, and tells when it is done', () => {
  const { leader, worker, workerBell, leaderBell } = bothEnds();
  expect(worker.take()).toBeNull();
  leader.post(JOB);
  expect(workerBell.value).toBe(1);
  expect(worker.take()).toEqual(JOB);
  expect(worker.take()).toBeNull();
  expect([leader.isIdle, leader.isSettled]).toEqual([false, false]);
  worker.finish();
  expect(leaderBell.value).toBe(1);
  expect(leader.isSettled).toBe(true);
  expect(leader.takeFailure()).toBeNull();
  expect(leader.isIdle).toBe(true);
});

it('tells why a job failed, cut to what there is room for', () => {
  const { leader, worker } = bothEnds();
  leader.post(JOB);
  worker.take();
  worker.fail('ü'.repeat(2000));
  expect(leader.isSettled).toBe(true);
  expect(leader.takeFailure()).toBe('ü'.repeat(512));
});
