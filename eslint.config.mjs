// Code style that a machine can check, and the module boundaries: which library may import which, and who owns which npm package.
import eslint from '@eslint/js';
import { createProjectGraphAsync } from '@nx/devkit';
import nx from '@nx/eslint-plugin';
import prettier from 'eslint-config-prettier';
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

// The boundary rule reads Nx's cached project graph and skips itself in silence when there is none: make it here, or fail.
process.env.NX_DAEMON = 'false';
await createProjectGraphAsync();

/** The tags of layers 0 to `highest`. */
const layers = (highest) => Array.from({ length: highest + 1 }, (_, layer) => `layer:${layer}`);

/** Only the libraries or apps named `owners` may import `packages`. */
const ownedBy = (owners, packages) => ({ sourceTag: `/^(lib|app):(?!(${owners.join('|')})$)/`, bannedExternalImports: packages });

/** `shared` is what every project may import besides what its layer gives. */
const boundaries = (shared) => {
  const may = (source, tags) => ({ ...source, onlyDependOnLibsWithTags: [...tags, ...shared] });
  return [
    'error',
    {
      banTransitiveDependencies: true,
      // @ringmesh/testing stands on libraries whose tests use it.
      ignoredCircularDependencies: shared.flatMap((tag) => layers(5).map((layer) => [`tag:${layer}`, `tag:${tag}`])),
      depConstraints: [
        may({ sourceTag: 'layer:0' }, []),
        may({ allSourceTags: ['layer:1', '/^lib:(?!protocol$)/'] }, layers(0)),
        // The number formats on the wire are tensor's.
        may({ sourceTag: 'lib:protocol' }, [...layers(0), 'lib:tensor']),
        may({ sourceTag: 'layer:2' }, layers(1)),
        may({ allSourceTags: ['layer:3', '/^lib:(?!model$)/'] }, layers(2)),
        may({ sourceTag: 'lib:model' }, [...layers(2), 'lib:dispatch', 'lib:experts']),
        may({ sourceTag: 'layer:4' }, layers(3)),
        may({ sourceTag: 'layer:5' }, layers(4)),
        may({ sourceTag: 'layer:testing' }, layers(4)),
        may({ sourceTag: 'app:router' }, layers(4)),
        may({ sourceTag: 'app:worker' }, [
          'lib:core',
          'lib:experts',
          'lib:protocol',
          'lib:weights',
          'lib:telemetry',
          'lib:coordination',
          'lib:placement',
        ]),
        may({ sourceTag: 'app:cli' }, [...layers(5), 'layer:app']),
        ownedBy(['onnx'], ['onnxruntime-*']),
        ownedBy(['coordination'], ['ioredis*']),
        ownedBy(['protocol', 'dispatch', 'worker'], ['@grpc/*', 'grpc-health-check']),
        ownedBy(['telemetry'], ['prom-client', '@opentelemetry/*']),
        ownedBy(['router'], ['@nestjs/*', 'nestjs-*', '@fastify/*', 'fastify']),
      ],
    },
  ];
};

export default defineConfig(
  { ignores: ['**/dist/', '**/gen/', '**/node_modules/', '.nx/', '.cache/', 'test/fixtures/', '**/*.cjs'] },
  // A rule that is wrong is changed here, where it is seen, and not switched off line by line.
  { linterOptions: { noInlineConfig: true, reportUnusedDisableDirectives: 'error' } },
  eslint.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { project: './tsconfig.test.json', tsconfigRootDir: import.meta.dirname } },
    plugins: { '@nx': nx },
    rules: {
      '@nx/enforce-module-boundaries': boundaries([]),
      'no-restricted-imports': ['error', { patterns: [{ group: ['@ringmesh/*/*'], message: 'Import the package itself.' }] }],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'object-shorthand': 'error',
      'prefer-const': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-import-type-side-effects': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrors: 'all' }],
      // `!` is how a hot loop reads a typed array under noUncheckedIndexedAccess.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // An async method that awaits nothing rejects where a plain one would throw: what an interface of promises wants.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true }],
      '@typescript-eslint/no-unnecessary-condition': ['error', { allowConstantLoopConditions: 'only-allowed-literals' }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
    },
  },
  {
    files: ['**/*.test.ts', 'test/**/*.ts'],
    rules: {
      '@nx/enforce-module-boundaries': boundaries(['layer:testing']),
      // `const { stop } = start()` is how tests hold what they started.
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  {
    files: ['**/*.mjs'],
    languageOptions: {
      globals: Object.fromEntries(['Buffer', 'URL', 'console', 'performance', 'process', 'setTimeout'].map((name) => [name, 'readonly'])),
    },
  },
  prettier,
);
