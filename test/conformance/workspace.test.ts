import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const json = (path: string) => JSON.parse(readFileSync(join(root, path), 'utf8')) as unknown;

interface Package {
  name: string;
  dependencies?: Record<string, string>;
}

/** Folders of all packages, `libs/core` and so on. */
const packages = ['libs', 'apps']
  .flatMap((parent) => readdirSync(join(root, parent)).map((name) => `${parent}/${name}`))
  .filter((folder) => existsSync(join(root, folder, 'package.json')));

/** Names of our own packages that `folder`'s package.json depends on. */
const dependencies = (folder: string) =>
  Object.keys((json(`${folder}/package.json`) as Package).dependencies ?? {}).filter((name) => name.startsWith('@ringmesh/'));

/** Names of the packages that a tsconfig.json builds first. */
const references = (tsconfig: string) =>
  (json(tsconfig) as { references: { path: string }[] }).references.map(({ path }) => `@ringmesh/${basename(path)}`);

/** Names of our own packages that the source and the tests of `folder` import. Tests may import @ringmesh/testing, which is built last. */
function imports(folder: string): string[] {
  const files = readdirSync(join(root, folder, 'src'), { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  const names = files.flatMap((file) => {
    const text = readFileSync(join(root, folder, 'src', file), 'utf8');
    const imported = Array.from(text.matchAll(/(?:from|import\()\s*'(@ringmesh\/[\w-]+)/g), (match) => match[1]!);
    return file.endsWith('.test.ts') ? imported.filter((name) => name !== '@ringmesh/testing') : imported;
  });
  return [...new Set(names)].filter((name) => name !== `@ringmesh/${basename(folder)}`).sort();
}

it('the build knows every package', () => {
  expect(references('tsconfig.json').sort()).toEqual(packages.map((folder) => `@ringmesh/${basename(folder)}`).sort());
});

it.each(packages)('%s declares what it imports and nothing else, and builds it first', (folder) => {
  const declared = dependencies(folder).sort();
  expect(declared).toEqual(imports(folder));
  expect(references(`${folder}/tsconfig.json`).sort()).toEqual(declared);
});
