import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { textOr } from './schemas/text-or.js';
import { validationPipe } from './validation.js';

const part = z.discriminatedUnion('type', [z.object({ type: z.literal('text'), text: z.string() })], { error: 'Only "text"' });
const schema = z.object({ content: textOr(z.array(part).min(1), 'a string or parts'), plain: z.union([z.int(), z.boolean()]).optional() });

async function problemWith(value: unknown): Promise<{ field?: string; message: string }> {
  const error: unknown = await validationPipe()
    .transform(value, { type: 'body', schema })
    .then(
      () => undefined,
      (reason: unknown) => reason,
    );
  return error as { field?: string; message: string };
}

describe('validationPipe', () => {
  it.each<[string, unknown, string | undefined, string]>([
    ['no object', 5, undefined, 'The body is invalid'],
    ['no text and no list', { content: 5 }, 'content', 'Expected a string or parts'],
    ['an empty list', { content: [] }, 'content', '>=1 items'],
    ['an item of another kind', { content: [{ type: 'text', text: '' }, { type: 'x' }] }, 'content.1.type', 'Only "text"'],
    ['an item without a field', { content: [{ type: 'text' }] }, 'content.0.text', 'expected string'],
    ['no alternative', { content: '', plain: 'x' }, 'plain', 'Invalid input'],
  ])('names what is wrong with %s', async (_, value, field, message) => {
    expect(await problemWith(value)).toMatchObject({ field, message: expect.stringContaining(message) as string });
  });
});
