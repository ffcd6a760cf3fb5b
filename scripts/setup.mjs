/**
 * Set-up of a fresh checkout with Node alone, then the task of `--then`; quick when everything is installed.
 * Node version -> pnpm install -> build -> TensorFlow's library and SqueezeNet -> `--then api | check | demo | test`
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { environment, findPnpm, ROOT } from './pnpm.mjs';

const OLDEST_NODE = [20, 19];
const STAMP = join(ROOT, 'node_modules', '.installed-lockfile');
const NODE = process.execPath;
const AHPA = [NODE, join(ROOT, 'apps', 'train', 'dist', 'main.mjs')];

/** A step that failed: its message and the exit code to end with. */
class Failure extends Error {
  constructor(message, code = 1) {
    super(message);
    this.code = code;
  }
}

const say = (text) => process.stdout.write(`setup: ${text}\n`);
const bin = (name) => join(ROOT, 'node_modules', '.bin', name);

/** Runs a command in the root with this terminal. Signals reach it, and its end by one becomes the exit code 128 + n. */
function run([command, ...args]) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: ROOT, env: environment(), stdio: 'inherit' });
    const ignore = () => {};
    const forward = () => child.kill('SIGTERM');
    process.on('SIGINT', ignore).on('SIGTERM', forward);
    child.on('error', (error) => reject(new Failure(`${command} could not be started: ${error.message}`)));
    child.on('close', (code, signal) => {
      process.off('SIGINT', ignore).off('SIGTERM', forward);
      resolve(code ?? 128 + constants.signals[signal]);
    });
  });
}

async function must(what, command) {
  const code = await run(command);
  if (code === 130) throw new Failure('interrupted; the same command goes on from here.', code);
  if (code !== 0) throw new Failure(`${what} failed (exit code ${code}).`, code);
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])) return;
  throw new Failure(
    `Node ${process.versions.node} is too old: install Node ${OLDEST_NODE.join('.')} or newer (https://nodejs.org).`,
  );
}

/** Installs when node_modules is missing or was made from another lockfile. */
async function installDependencies(pnpm) {
  const lockfile = createHash('sha256')
    .update(readFileSync(join(ROOT, 'pnpm-lock.yaml')))
    .digest('hex');
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === lockfile) return;
  say(`installing dependencies with ${pnpm.name}`);
  const options = ['install', '--frozen-lockfile', '--prod=false', '--config.confirmModulesPurge=false'];
  await must('Installing the dependencies', [...pnpm.pnpm, ...options]);
  writeFileSync(STAMP, lockfile);
}

/** Builds what changed; turbo looks for pnpm on the PATH. */
async function build(pnpm) {
  say('building what changed');
  const turbo = [bin('turbo'), 'run', 'build', '--output-logs=errors-only', '--ui=stream'];
  await must('The build', [...pnpm.around, ...turbo]);
}

/** TensorFlow's library, and the small network for metrics. */
async function obtainLibrary() {
  say("looking for TensorFlow's library and SqueezeNet (obtained once for this machine)");
  await must("Obtaining TensorFlow's library", [...AHPA, 'setup']);
}

/** Every check before the tests, by name. */
const CHECKS = {
  'the style check': [
    bin('biome'),
    'ci',
    '--diagnostic-level=warn',
    `--colors=${process.stdout.isTTY ? 'force' : 'off'}`,
    '.',
  ],
  'the type check': [bin('tsc'), '-b'],
  'the check of arrows between packages': [NODE, join(ROOT, 'scripts', 'check-arrows.mjs')],
  'the line budget': [NODE, join(ROOT, 'scripts', 'check-lines.mjs')],
  'the check for unused files, exports and dependencies': [bin('knip'), '--no-config-hints'],
  'the check of the workspace': [
    bin('sherif'),
    '--fail-on-warnings',
    '--ignore-rule',
    'packages-without-package-json',
  ],
  'the check of links': [bin('remark'), '.', '--frail', '--quiet', '--no-stdout'],
  'the check of public surfaces': [NODE, join(ROOT, 'scripts', 'api.mjs')],
  'the check of the packages': [NODE, join(ROOT, 'scripts', 'check-packages.mjs')],
};

/** Name of the first failing check: style, types, imports and the other guards. */
async function findFailure() {
  for (const [what, command] of Object.entries(CHECKS)) {
    say(`running ${what}`);
    if ((await run(command)) !== 0) return what;
  }
  return undefined;
}

async function check() {
  const failed = await findFailure();
  if (failed !== undefined) throw new Failure(`${failed} failed.`);
  return 0;
}

/** The checks, then the tests, whose last line counts them. */
async function test(args) {
  const failed = await findFailure();
  if (failed !== undefined) {
    process.stderr.write(`setup: ${failed} failed, so the tests were not run.\n`);
    process.stdout.write('\n0 passed, 1 failed\n');
    return 1;
  }
  say('running the tests');
  return run([bin('vitest'), 'run', ...args]);
}

const THEN = {
  api: () => run([NODE, join(ROOT, 'scripts', 'api.mjs'), '--write']),
  demo: (args) => run([...AHPA, 'demo', ...args]),
  check,
  test,
};

async function main([flag, name, ...args]) {
  if (flag !== undefined && (flag !== '--then' || !THEN[name])) {
    const usage = 'Usage: node scripts/setup.mjs [--then api|check|demo|test [arguments]]';
    throw new Failure(`Unknown arguments: ${[flag, name].join(' ')}. ${usage}`);
  }
  checkNode();
  const pnpm = findPnpm();
  await installDependencies(pnpm);
  await build(pnpm);
  await obtainLibrary();
  if (name) return THEN[name](args);
  say('ready: try `npm run demo`, `npm test` or `npm run -s ahpa -- --help`');
  return 0;
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error) => {
    process.stderr.write(`setup: ${error instanceof Failure ? error.message : error.stack}\n`);
    process.exitCode = error.code ?? 1;
  },
);
