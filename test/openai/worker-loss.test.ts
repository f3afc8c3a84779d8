import { packedModel, type RunningProcess, SAMPLE_MODEL, startWorker, until, untilReady } from '@ringmesh/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { MODEL, QUESTION, startTestRouter, type TestRouter } from './test-router.js';

const SHARDS = [0, 1, 2, 3, 4, 5, 6, 7];
const LONG = { model: MODEL, prompt: 'a', max_tokens: 1000, ignore_eos: true };
const LOST = { error: { type: 'server_error', code: 'shard_unavailable' } };

let router: TestRouter;
let worker: RunningProcess;
beforeEach(async () => {
  worker = await startWorker(await packedModel(SAMPLE_MODEL), SHARDS);
  router = await startTestRouter({ workers: worker.address });
});
afterEach(async () => {
  await router.close();
  await worker.process.kill('SIGKILL');
});

/** Kills the worker while a stream has begun. @returns the stream's last event */
async function loseWorkerMidStream(): Promise<unknown> {
  const answer = await router.post('/v1/completions', { ...LONG, stream: true });
  expect(answer.status).toBe(200);
  await worker.process.kill('SIGKILL');
  const events = (await answer.text()).trim().split('\n\n');
  return JSON.parse(events.at(-1)!.slice('data: '.length));
}

it('ends a stream with an error event, and refuses requests until the worker is back', async () => {
  expect(await loseWorkerMidStream()).toMatchObject(LOST);
  const refused = await router.post('/v1/chat/completions', { messages: QUESTION });
  expect(refused.status).toBe(503);

  worker = await startWorker(await packedModel(SAMPLE_MODEL), SHARDS, worker.address);
  await untilReady(router.url);
  const { choices } = await router.client.chat.completions.create({ model: MODEL, messages: QUESTION, temperature: 0 });
  expect(choices[0]!.message.content).toMatch(/47 \+ 85 = 132$/);
});

it('answers 503 to a request that was not streaming', async () => {
  const answer = router.post('/v1/completions', LONG);
  const stream = await router.post('/v1/completions', { ...LONG, stream: true }); // with its first token the other one runs too
  await worker.process.kill('SIGKILL');
  expect((await answer).status).toBe(503);
  expect(await (await answer).json()).toMatchObject(LOST);
  await stream.text();
  expect(await router.metric(`vllm:request_success_total{model_name="${MODEL}",engine="0",finished_reason="error"}`)).toBe(2);
});

it('shows how many requests a worker has not answered, also amid a step', async () => {
  const inFlight = (): Promise<number> => router.metric(`ringmesh:dispatch_in_flight{worker="${worker.address}"}`);
  expect(await inFlight()).toBe(0);
  const stream = await router.post('/v1/completions', { ...LONG, max_tokens: 300, stream: true });
  void worker.process.kill('SIGSTOP');
  await until(inFlight, (count) => count === 1);
  void worker.process.kill('SIGCONT');
  await stream.text();
  expect(await inFlight()).toBe(0);
});
