import { z } from 'zod';

/** A text, or a list: what is wrong within a list is told of its item, and anything else as `expected`. */
export function textOr<T extends z.ZodArray>(list: T, expected: string): z.ZodUnion<[z.ZodString, T]> {
  return z.union([z.string(), list], { error: ({ input }) => (Array.isArray(input) ? undefined : `Expected ${expected}`) });
}
