import { fileURLToPath } from 'node:url';
import { ESLint } from 'eslint';
import tseslint from 'typescript-eslint';
import { describe, expect, it } from 'vitest';

/** The repository's own configuration, less the rules that need a type-checked file on disk. */
const eslint = new ESLint({
  cwd: fileURLToPath(new URL('../..', import.meta.url)),
  overrideConfig: [tseslint.configs.disableTypeChecked],
});

/** Lints an import of `specifier` as if it stood in the file `path`, and gives the ids of the messages. */
async function messagesFor(path: string, specifier: string): Promise<(string | undefined)[]> {
  const results = await eslint.lintText(`export * from '${specifier}';\n`, { filePath: path });
  return results.flatMap(({ messages }) => messages.map(({ messageId }) => messageId));
}

describe('module boundaries', () => {
  it.each([
    ['libs/core/src/breach.ts', '@ringmesh/engine', 'noCircularDependencies'],
    ['libs/tensor/src/breach.ts', '@ringmesh/telemetry', 'onlyTagsConstraintViolation'],
    ['libs/placement/src/breach.ts', '@ringmesh/scheduler', 'onlyTagsConstraintViolation'],
    ['libs/dispatch/src/breach.ts', '@ringmesh/experts', 'onlyTagsConstraintViolation'],
    ['libs/engine/src/breach.ts', '@ringmesh/pack', 'onlyTagsConstraintViolation'],
    ['apps/worker/src/breach.ts', '@ringmesh/engine', 'onlyTagsConstraintViolation'],
    ['apps/worker/src/breach.ts', '@ringmesh/router', 'onlyTagsConstraintViolation'],
    ['libs/sampler/src/breach.ts', '@ringmesh/testing', 'onlyTagsConstraintViolation'],
    ['libs/model/src/breach.ts', 'ioredis', 'bannedExternalImportsViolation'],
    ['libs/experts/src/breach.ts', 'onnxruntime-node', 'bannedExternalImportsViolation'],
    ['libs/engine/src/breach.ts', '@grpc/grpc-js', 'bannedExternalImportsViolation'],
    ['apps/router/src/breach.ts', '@grpc/reflection', 'bannedExternalImportsViolation'],
    ['apps/router/src/breach.ts', 'prom-client', 'bannedExternalImportsViolation'],
    ['apps/cli/src/breach.ts', '@nestjs/common', 'bannedExternalImportsViolation'],
    ['libs/core/src/breach.ts', 'commander', 'noTransitiveDependencies'],
    ['libs/weights/src/breach.ts', '../../core/src/errors.js', 'noRelativeOrAbsoluteImportsAcrossLibraries'],
    ['libs/weights/src/breach.ts', '@ringmesh/core/dist/errors.js', 'patternWithCustomMessage'],
  ])('stop %s from importing %s', async (path, specifier, messageId) => {
    expect(await messagesFor(path, specifier)).toContain(messageId);
  });

  it.each([
    ['libs/engine/src/clean.ts', '@ringmesh/model'],
    ['libs/model/src/clean.ts', '@ringmesh/dispatch'],
    ['libs/coordination/src/clean.ts', 'ioredis'],
    ['apps/worker/src/clean.ts', '@grpc/grpc-js'],
    ['apps/cli/src/clean.ts', '@ringmesh/router'],
    ['libs/weights/src/clean.test.ts', '@ringmesh/testing'],
  ])('let %s import %s', async (path, specifier) => {
    expect(await messagesFor(path, specifier)).toEqual([]);
  });
});
