/** Blocks of READMEs: programs run, commands name what exists. The programs of packages run in packages-alone.test.mjs. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { createProgram } from '../../apps/train/src/program.ts';
import { publishedPackages } from '../packages.mjs';
import { ROOT } from '../pnpm.mjs';
import { commandsOf, programOf, readBlocks } from '../readmes.mjs';

/** Commands that are shown to people and cannot be checked, by their first words. */
const UNCHECKED = [
  'python3 -m pip install --dry-run', // asks PyPI for hashes
];

const read = (path) => readFileSync(join(ROOT, path), 'utf8');
const { scripts } = JSON.parse(read('package.json'));
const manifests = new Map(publishedPackages().map(({ manifest }) => [manifest.name, manifest]));
const needed = new Set(
  [...manifests.values()].flatMap((manifest) => [
    ...Object.keys(manifest.dependencies ?? {}),
    ...Object.keys(manifest.peerDependencies ?? {}),
  ]),
);
const GROUPS = ['packages', 'apps', 'examples'];
const READMES = [
  'README.md',
  'CONTRIBUTING.md',
  ...GROUPS.flatMap((group) => readdirSync(join(ROOT, group)).map((name) => `${group}/${name}/README.md`)),
].filter((path) => existsSync(join(ROOT, path)));

/** Problem of a command line of `ahpa`, which is parsed and not run. */
function checkAhpa(words) {
  const program = createProgram();
  const visit = (command) => {
    command.exitOverride().configureOutput({ writeOut: () => {}, writeErr: () => {} });
    if (command.commands.length === 0) command.action(() => {});
    for (const inner of command.commands) visit(inner);
  };
  visit(program);
  try {
    program.parse(words, { from: 'user' });
  } catch (error) {
    return /help/i.test(error.code) ? [] : [error.message];
  }
  return [];
}

const checkInstall = (names) =>
  names
    .filter((name) => !name.startsWith('-') && !manifests.has(name) && !needed.has(name))
    .map((name) => `${name} is neither published from here nor needed by what is`);

function checkNpm([verb, ...rest]) {
  if (verb === 'install') return checkInstall(rest);
  const [script, ...words] = (verb === 'run' ? rest : [verb, ...rest]).filter(
    (word) => !/^-(s|-)$/.test(word),
  );
  if (!(script in scripts)) return [`package.json has no script ${script}`];
  return script === 'ahpa' ? checkAhpa(words) : [];
}

function checkNpx([name, ...words]) {
  if (name === 'ahpa') return checkAhpa(words);
  return manifests.get(name)?.bin ? [] : [`${name} has no program`];
}

const CHECKERS = {
  ahpa: checkAhpa,
  node: ([path]) => (existsSync(join(ROOT, path)) ? [] : [`${path} does not exist`]),
  npm: checkNpm,
  npx: checkNpx,
};

function checkCommand([command, ...words]) {
  const line = [command, ...words].join(' ');
  if (UNCHECKED.some((start) => line.startsWith(start))) return [];
  const faults = CHECKERS[command]?.(words) ?? ['no rule for this command'];
  return faults.map((fault) => `${line}: ${fault}`);
}

function checkJson(text) {
  try {
    JSON.parse(text);
    return [];
  } catch (error) {
    return [error.message];
  }
}

const CHECKS = {
  js: () => [],
  json: checkJson,
  sh: (text) => commandsOf(text).flatMap(checkCommand),
  text: () => [],
};

test.each(READMES)('%s has commands and blocks that are right', (path) => {
  const faults = readBlocks(read(path)).flatMap(({ lang, text, line }) => {
    const check = CHECKS[lang] ?? (() => [`${lang} is not run; write ${Object.keys(CHECKS).join(', ')}`]);
    return check(text).map((fault) => `${path}:${line}: ${fault}`);
  });
  expect(faults).toEqual([]);
});

const PROGRAMS = READMES.filter((path) => !path.startsWith('packages/') && programOf(read(path)) !== '');

test.each(PROGRAMS)('the program in %s runs', (path) => {
  const file = join(ROOT, dirname(path), `.readme-${process.pid}.mjs`);
  const folder = mkdtempSync(join(tmpdir(), 'readme-'));
  writeFileSync(file, programOf(read(path)));
  try {
    const { status, stderr } = spawnSync(process.execPath, [file], { cwd: folder, encoding: 'utf8' });
    expect(status, stderr).toBe(0);
  } finally {
    rmSync(file, { force: true });
    rmSync(folder, { recursive: true, force: true });
  }
});
