// `npm test`: everything that must hold, cheapest first; it stops at the first step that fails. Arguments go to vitest (`npm test -- libs/core`).
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installDebianPackages } from './debian-packages.mjs';
import { environment, main, root, run, setup, step, ToolError } from './setup.mjs';

const count = { passed: 0, failed: 0, skipped: 0 };
const times = [];

/** What is checked without running anything. */
const CHECKS = {
  types: ['typescript/bin/tsc', '-p', 'tsconfig.test.json'],
  lint: ['eslint/bin/eslint.js', '.', '--max-warnings=0'],
  format: ['prettier/bin/prettier.cjs', '--check', '.'],
};

/** Keeps the step's time for the summary, and counts a failure that no test stands for. */
async function timed(name, work) {
  const started = performance.now();
  const failedBefore = count.failed;
  let ok = false;
  try {
    await work();
    ok = true;
  } finally {
    if (!ok && count.failed === failedBefore) count.failed += 1;
    times.push(`  ${name.padEnd(12)} ${Math.round((performance.now() - started) / 1000)} s${ok ? '' : '  FAILED'}`);
  }
}

/** All checks at once: each has one core to do with. */
async function check(node) {
  const names = Object.keys(CHECKS).join(', ');
  const checks = Object.values(CHECKS).map(([program, ...args]) => [join(root, 'node_modules', program), ...args]);
  await step(`[test] ${names}`, async () => {
    const results = await Promise.all(checks.map((command) => run(node, command, { env: environment(node) })));
    const failed = results.filter(({ code }) => code !== 0);
    return { code: failed.length, output: failed.map(({ output }) => output).join('\n') };
  });
}

async function vitest(node, project, folder) {
  const report = join(folder, `${project}.json`);
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const args = ['run', '--project', project, '--passWithNoTests', ...reporters, ...process.argv.slice(2)];
  const { code } = await run(node, [join(root, 'node_modules/vitest/vitest.mjs'), ...args], { show: true, env: environment(node) });
  if (!existsSync(report)) throw new ToolError(`vitest ended with ${code} and no report`);
  const { testResults: files, ...total } = JSON.parse(readFileSync(report, 'utf8'));
  count.passed += total.numPassedTests;
  count.skipped += total.numPendingTests + total.numTodoTests;
  // A file that does not even load has no failing test in it.
  count.failed += total.numFailedTests + files.filter((file) => file.status === 'failed' && file.assertionResults.length === 0).length;
  if (code !== 0) throw new ToolError(`${project} tests failed`);
}

await main(async () => {
  const reports = mkdtempSync(join(tmpdir(), 'ringmesh-test-'));
  try {
    let node;
    await timed('setup', async () => {
      node = await setup();
      await installDebianPackages();
    });
    await timed('checks', () => check(node));
    await timed('unit', () => vitest(node, 'unit', reports));
    await timed('cluster', () => vitest(node, 'cluster', reports));
    return 0;
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    console.log(error.message);
    return 1;
  } finally {
    rmSync(reports, { recursive: true });
    const skipped = count.skipped === 0 ? '' : `, ${count.skipped} skipped`;
    console.log([...times, `${count.passed} passed, ${count.failed} failed${skipped}`].join('\n'));
  }
});
