import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { z } from 'zod';

/**
 * The rows of a page's table of fields: name and answer.
 * @param endpoint where the table says of which endpoint each row is: `both` or this one
 */
export function documentedFields(page: string, endpoint?: string): Map<string, string> {
  const text = readFileSync(join(import.meta.dirname, '../../../../docs', page), 'utf8');
  const table = /\n\| field .*\n\|[ -|]*\n((?:\|.*\n)+)/.exec(text)![1]!;
  const rows = table.trim().split('\n');
  const fields = rows.map((row) => {
    const [name, ...cells] = row
      .slice(1, -1)
      .split(' | ')
      .map((cell) => cell.trim());
    return { name: /^`(\w+)`$/.exec(name!)![1]!, answer: cells.pop()!, of: cells.pop() };
  });
  const own = fields.filter(({ of }) => of === undefined || of === 'both' || of === endpoint);
  const byName = new Map(own.map(({ name, answer }) => [name, answer]));
  if (byName.size < own.length) throw new Error(`docs/${page} has a field of ${endpoint} twice`);
  return byName;
}

/** Where the schema finds fault with a body, by top-level field. */
export function refusedFields(schema: z.ZodType, body: object): string[] {
  const { error } = schema.safeParse(body);
  return [...new Set((error?.issues ?? []).map(({ path }) => String(path[0])))];
}

/** A value that no field takes that is answered 400. */
export const PROBE = ['x'];
