import fc from 'fast-check';
import { expect, it } from 'vitest';
import { SequenceSlots } from './sequence-slots.js';

/** Lets everything that can go on go on. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it('lets so many in, in the order in which they came, and loses none when some give up', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 3 }),
      fc.array(fc.oneof(fc.constant('come' as const), fc.constant('go' as const), fc.constant('give up' as const)), { maxLength: 30 }),
      async (limit, actions) => {
        const slots = new SequenceSlots(limit);
        const inside: number[] = [];
        const waiting: { id: number; controller: AbortController }[] = [];
        const entered: number[] = [];
        const refused: unknown[] = [];
        const expected: number[] = [];
        for (const [id, action] of actions.entries()) {
          if (action === 'come') {
            const controller = new AbortController();
            slots.acquire(controller.signal).then(
              () => entered.push(id),
              (reason: unknown) => refused.push(reason),
            );
            if (inside.length < limit) {
              inside.push(id);
              expected.push(id);
            } else {
              waiting.push({ id, controller });
            }
          } else if (action === 'go' && inside.length > 0) {
            inside.shift();
            slots.release();
            const next = waiting.shift();
            if (next !== undefined) {
              inside.push(next.id);
              expected.push(next.id);
            }
          } else if (action === 'give up') {
            waiting.pop()?.controller.abort(id);
          }
          await settled();
          expect(entered).toEqual(expected);
          expect(slots.numWaiting).toBe(waiting.length);
        }
        expect(refused).toHaveLength(actions.filter((action) => action === 'come').length - entered.length - waiting.length);
      },
    ),
  );
});

it('lets in who waits where more may be in, and nobody while more are in than may be', async () => {
  const slots = new SequenceSlots(1);
  const entered: number[] = [];
  for (let id = 0; id < 4; id++) void slots.acquire(new AbortController().signal).then(() => entered.push(id));
  slots.setMax(3);
  await settled();
  expect([entered, slots.numTaken, slots.numWaiting]).toEqual([[0, 1, 2], 3, 1]);
  slots.setMax(1);
  slots.release();
  slots.release();
  await settled();
  expect([entered, slots.numTaken, slots.numWaiting]).toEqual([[0, 1, 2], 1, 1]);
  slots.release();
  await settled();
  expect([entered, slots.numTaken, slots.numWaiting]).toEqual([[0, 1, 2, 3], 1, 0]);
});

it('gives nothing to who has left before', async () => {
  const slots = new SequenceSlots(1);
  await expect(slots.acquire(AbortSignal.abort('gone'))).rejects.toBe('gone');
  await slots.acquire(new AbortController().signal);
});
