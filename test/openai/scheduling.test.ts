import OpenAI from 'openai';
import { until } from '@ringmesh/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { collect, MODEL, QUESTION, startTestRouter, type TestRouter } from './test-router.js';

/** Goes on for as long as the context allows. */
const LONG = { model: MODEL, prompt: 'a', temperature: 0, max_tokens: 1000, ...{ ignore_eos: true } };
const SHORT = { model: MODEL, prompt: 'b', temperature: 0, max_tokens: 5, ...{ ignore_eos: true } };

let router: TestRouter;
let client: OpenAI;
/** One slot: who comes has to wait, or to take it. */
beforeAll(async () => {
  router = await startTestRouter({ maxNumSeqs: '1' });
  ({ client } = router);
});
afterAll(() => router.close());

const gauge = (name: string): Promise<number> => router.metric(`vllm:${name}{model_name="${MODEL}",engine="0"}`);
const untilGauge = (name: string, count: number): Promise<number> =>
  until(
    () => gauge(name),
    (value) => value === count,
  );

describe('priority', () => {
  it('lets an urgent request overtake those that wait, and takes the place of one that runs, which goes on to the same text', async () => {
    const alone = await client.completions.create(LONG);
    const preemptions = await gauge('num_preemptions_total');
    const order: string[] = [];
    const ask = async (name: string, body: OpenAI.CompletionCreateParamsNonStreaming): Promise<OpenAI.Completion> => {
      const answer = await client.completions.create(body);
      order.push(name);
      return answer;
    };
    const stream = await client.completions.create({ ...LONG, stream: true, ...{ priority: 1 } });
    const whole = collect(stream).then((chunks) => {
      order.push('running');
      return chunks.map(({ choices }) => choices[0]!.text).join('');
    });
    const patient = ask('patient', { ...SHORT, ...{ priority: 2 } });
    await untilGauge('num_requests_waiting', 1);
    const urgent = ask('urgent', { ...SHORT, ...{ priority: -3 } });
    await Promise.all([patient, urgent]);
    expect(await whole).toBe(alone.choices[0]!.text);
    expect(order).toEqual(['urgent', 'running', 'patient']);
    expect(await gauge('num_preemptions_total')).toBe(preemptions + 1);
  });
});

describe('timeout', () => {
  it('ends a request that runs with 504', async () => {
    const error: unknown = await client.completions.create({ ...LONG, ...{ timeout: 0.05 } }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(OpenAI.APIError);
    expect(error).toMatchObject({ status: 504, code: 'deadline_exceeded', param: 'timeout', type: 'server_error' });
    expect((error as Error).message).toContain('0.05 s');
    await untilGauge('num_requests_running', 0);
  });

  it('ends a stream with an error event', async () => {
    const stream = await client.completions.create({ ...LONG, stream: true, ...{ timeout: 0.3 } });
    await expect(collect(stream)).rejects.toMatchObject({ code: 'deadline_exceeded', param: 'timeout' });
    await untilGauge('num_requests_running', 0);
  });

  it('ends a request in the queue', async () => {
    const stream = await client.completions.create({ ...LONG, stream: true });
    const chunks = stream[Symbol.asyncIterator]();
    await chunks.next();
    const waiting = client.chat.completions.create({ model: MODEL, messages: QUESTION, ...{ timeout: 0.01 } });
    await expect(waiting).rejects.toMatchObject({
      status: 504,
      code: 'deadline_exceeded',
      message: expect.stringContaining('queue') as string,
    });
    expect(await gauge('num_requests_running')).toBe(1);
    stream.controller.abort();
    await untilGauge('num_requests_running', 0);
  });

  it('changes nothing where there is time enough', async () => {
    const { choices } = await client.completions.create({ ...SHORT, ...{ timeout: 60 } });
    expect(choices).toEqual((await client.completions.create(SHORT)).choices);
  });
});
