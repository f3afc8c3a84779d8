import { readFileSync } from 'node:fs';
import { ERROR_CLASSES } from '@ringmesh/core';
import { expect, it } from 'vitest';

/** The rows of the table: code, class, HTTP status, exit code, meaning, remedy. */
const rows = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) =>
    line
      .slice(1, -1)
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim()),
  );

it('docs/errors.md lists every error class with its code, status and exit code', () => {
  const documented = rows.map(([code, name, status, exitCode]) => ({ code, name, status: Number(status), exitCode: Number(exitCode) }));
  const classes = ERROR_CLASSES.map((ErrorClass) => {
    const { code, httpStatus, exitCode } = new ErrorClass('');
    return { code: `\`${code}\``, name: ErrorClass.name, status: httpStatus, exitCode };
  });
  expect(documented).toEqual(classes);
});

it('every row says what the error means and what to do', () => {
  for (const [code, , , , meaning, remedy] of rows) {
    expect(meaning, code).toMatch(/\w+.*\.$/);
    expect(remedy, code).toMatch(/\w+.*\.$/);
  }
});

it('codes are unique', () => {
  expect(new Set(rows.map(([code]) => code)).size).toBe(ERROR_CLASSES.length);
});
