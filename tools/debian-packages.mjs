// Programs that some tests run: Debian's redis-server and promtool. They are installed where that is possible; else the tests are skipped, aloud.
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { run, step, ToolError } from './setup.mjs';

const programs = [
  { program: 'redis-server', debianPackage: 'redis-server', tests: 'worker registry in Redis' },
  { program: 'promtool', debianPackage: 'prometheus', tests: 'format of /metrics' },
];

const POLICY = '/usr/sbin/policy-rc.d';

export async function installDebianPackages() {
  const missing = programs.filter(({ program }) => !onPath(program));
  if (missing.length === 0) return;
  if (process.getuid?.() === 0 && onPath('apt-get')) {
    const packages = missing.map(({ debianPackage }) => debianPackage);
    try {
      await step(`[test] installing Debian packages ${packages.join(', ')}`, () => withoutStartingServices(() => aptInstall(packages)));
    } catch (error) {
      if (!(error instanceof ToolError)) throw error;
      console.log(error.message);
    }
  }
  for (const { program, debianPackage, tests } of missing.filter(({ program }) => !onPath(program))) {
    console.log(`[test] !! SKIPPING the tests "${tests}": ${program} is missing. Debian: apt-get install ${debianPackage}`);
  }
}

const onPath = (program) => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;

async function aptInstall(packages) {
  const options = { env: { DEBIAN_FRONTEND: 'noninteractive' } };
  const update = await run('apt-get', ['update'], options);
  if (update.code !== 0) return update;
  return run('apt-get', ['install', '-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=300', ...packages], options);
}

/** Debian starts a service as it installs it, unless this file forbids it (https://people.debian.org/~hmh/invokerc.d-policyrc.d-specification.txt). */
async function withoutStartingServices(work) {
  if (existsSync(POLICY)) return work();
  writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    return await work();
  } finally {
    rmSync(POLICY);
  }
}
