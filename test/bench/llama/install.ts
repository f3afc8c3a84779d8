import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Installs node-llama-cpp where it is missing: only what this platform needs, and without running its scripts, which would build or download. */
export function ensureNodeLlamaCpp(): void {
  const dir = import.meta.dirname;
  if (existsSync(join(dir, 'node_modules', 'node-llama-cpp'))) return;
  console.error('installing node-llama-cpp');
  const args = ['install', '--ignore-scripts', '--omit=optional', '--no-package-lock', '--loglevel=error'];
  const { status } = spawnSync('npm', args, { cwd: dir, stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0) throw new Error('node-llama-cpp could not be installed; --no-peer leaves it out');
}
