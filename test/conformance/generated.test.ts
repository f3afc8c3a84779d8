import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { generate, targets } from '../../tools/generate.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const fresh = mkdtempSync(join(tmpdir(), 'ringmesh-generated-'));

/** Every file below `folder`: its relative path and text. */
function filesIn(folder: string): Record<string, string> {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => statSync(join(folder, path)).isFile());
  return Object.fromEntries(paths.sort().map((path) => [path, readFileSync(join(folder, path), 'utf8')]));
}

beforeAll(() => generate(fresh));
afterAll(() => rmSync(fresh, { recursive: true }));

it.each(targets.map(({ out }) => out))('%s is what `npm run generate` writes', (out) => {
  expect(filesIn(join(root, out))).toEqual(filesIn(join(fresh, out)));
});
