// What `npm start`, `npm test` and `npm run build` share: dependencies, Node 24, the build. It runs on plain Node 20, all that a fresh clone has.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** Ends the tool with a message that needs no stack. */
export class ToolError extends Error {}

// ── Child processes ─────────────────────────────────────────────────────────────────────────────────────────────────

/** The same Ctrl-C comes from the terminal and from npm within this time; a later one is another, and means: at once. */
const REPEAT_MS = 1000;

const children = new Set();
let stopSignal;
let stoppedAt;

/**
 * Runs a command in a process group of its own, so that nothing it started outlives it, and gives its exit code and output.
 * The terminal and npm may each deliver the same Ctrl-C to us; the child gets it once, from us.
 */
export function run(command, args, { show = false, cwd = root, env = {} } = {}) {
  return new Promise((resolve, reject) => {
    const output = show ? 'inherit' : 'pipe';
    const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', output, output], detached: true });
    children.add(child);
    const chunks = [];
    child.stdout?.on('data', (chunk) => chunks.push(chunk));
    child.stderr?.on('data', (chunk) => chunks.push(chunk));
    child.on('error', (error) => reject(new ToolError(`${command}: ${error.message}`)));
    child.on('exit', () => killGroup(child));
    child.on('close', (code, signal) => {
      children.delete(child);
      resolve({ code: code ?? exitCodeOf(signal), output: Buffer.concat(chunks).toString() });
    });
  });
}

const exitCodeOf = (signal) => 128 + constants.signals[signal];

function killGroup({ pid }) {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

function stop(signal) {
  if (stopSignal !== undefined && performance.now() - stoppedAt < REPEAT_MS) return;
  const isSecond = stopSignal !== undefined;
  stopSignal = signal;
  stoppedAt = performance.now();
  if (children.size === 0) process.exit(exitCodeOf(signal));
  for (const child of children) {
    if (isSecond) killGroup(child);
    else child.kill(signal);
  }
}

/** Runs a tool: its result is the exit code, and a signal ends it with all it started. */
export async function main(tool) {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, stop);
  try {
    process.exitCode = await tool();
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    if (stopSignal === undefined) console.error(error.message);
    process.exitCode = stopSignal === undefined ? 1 : exitCodeOf(stopSignal);
  }
}

// ── Steps ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Does `work` behind a progress line, `label … 41 s`; a failure shows all that the command printed. */
export async function step(label, work) {
  const started = performance.now();
  process.stdout.write(`${label} … `);
  const { code, output } = await work();
  const seconds = Math.round((performance.now() - started) / 1000);
  console.log(code === 0 ? `${seconds} s` : `failed after ${seconds} s`);
  if (code !== 0) throw new ToolError(output);
}

/** The variables under which everything runs: Node 24 first on the path, and a place for what it compiles, so that the next process starts sooner. */
export const environment = (node) => ({
  PATH: [dirname(node), join(root, 'node_modules/.bin'), process.env.PATH].join(delimiter),
  NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/node'),
});

/** Installs what is missing, builds, and gives the path of a Node 24. */
export async function setup() {
  await installDependencies();
  const node = findNode();
  const env = environment(node);
  await step('[setup] building', () => run(node, [join(root, 'node_modules/typescript/bin/tsc'), '-b'], { env }));
  return node;
}

async function installDependencies() {
  if (isInstalled()) return;
  // Should install scripts be switched on, onnxruntime-node's would download CUDA libraries.
  const env = { ONNXRUNTIME_NODE_INSTALL: 'skip' };
  await step('[setup] installing dependencies', () => run('npm', ['ci', '--loglevel=error'], { env }));
}

/** Whether npm's record of what it installed, written last, agrees with package-lock.json; packages of other platforms may be absent. */
function isInstalled() {
  const record = join(root, 'node_modules/.package-lock.json');
  if (!existsSync(record)) return false;
  const packages = (path) => JSON.parse(readFileSync(path, 'utf8')).packages;
  const installed = packages(record);
  return Object.entries(packages(join(root, 'package-lock.json')))
    .filter(([path]) => path.includes('node_modules/'))
    .every(([path, { version, optional }]) => (installed[path] ? installed[path].version === version : optional === true));
}

function findNode() {
  const candidates = [join(root, 'node_modules/.bin/node'), process.execPath];
  const major = (path) => Number(/^v(\d+)/.exec(spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout ?? '')?.[1]);
  const node = candidates.find((path) => major(path) >= 24);
  if (node === undefined) {
    throw new ToolError(
      `Ringmesh runs on Node 24; this is ${process.version}, and npm brings Node 24 along for Linux on x64 only. Install Node 24 and try again.`,
    );
  }
  return node;
}
