import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkArrows } from '../check-arrows.mjs';

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const LEFT_OUT = new Set(['node_modules', 'dist', '.types', '.turbo', 'golden', 'test']);
let copy;

beforeEach(() => {
  copy = mkdtempSync(join(tmpdir(), 'arrows-'));
  for (const group of ['packages', 'apps', 'tooling']) {
    cpSync(join(ROOT, group), join(copy, group), {
      recursive: true,
      filter: (path) => !LEFT_OUT.has(basename(path)),
    });
  }
});

afterEach(() => rmSync(copy, { recursive: true, force: true }));

function editManifest(path, edit) {
  const file = join(copy, path, 'package.json');
  const manifest = JSON.parse(readFileSync(file, 'utf8'));
  edit(manifest);
  writeFileSync(file, JSON.stringify(manifest));
}

const addSource = (path, text) => writeFileSync(join(copy, path), text);

test('the workspace has no wrong arrow', () => {
  expect(checkArrows(copy)).toEqual([]);
});

test('a sideways dependency, and the import that needs it, are reported', () => {
  editManifest('packages/dit-core', (manifest) => {
    manifest.dependencies = { '@ahpa/dynamic-router': 'workspace:^' };
  });
  addSource('packages/dit-core/src/wrong.ts', "export { route } from '@ahpa/dynamic-router';\n");
  expect(checkArrows(copy)).toEqual([
    'packages/dit-core/package.json: packages/dit-core may not depend on @ahpa/dynamic-router',
    'packages/dit-core/src/wrong.ts: packages/dit-core may not import @ahpa/dynamic-router',
  ]);
});

test.each([
  ["const { readFile } = await import('node:fs/promises');", 'may not import node:fs/promises'],
  ["import type { Tensor } from '@tensorflow/tfjs';", 'may not import @tensorflow/tfjs'],
  ["import '../../trainer/src/index.ts';", 'leaves packages/vae-hierarchy'],
  ["import { expectClose } from '@ahpa/test-utils';", '@ahpa/test-utils is for tests and builds'],
])('in a model package, %s is reported', (line, message) => {
  addSource('packages/vae-hierarchy/src/wrong.ts', `${line}\nexport {};\n`);
  const wrong = checkArrows(copy);
  expect(wrong).toHaveLength(1);
  expect(wrong[0]).toContain('packages/vae-hierarchy/src/wrong.ts');
  expect(wrong[0]).toContain(message);
});

test('Node may be imported in the folder of a Node entry, and that folder not from the rest of the package', () => {
  addSource('packages/evaluation/src/node/right.ts', "export { readFile } from 'node:fs/promises';\n");
  addSource(
    'packages/evaluation/src/wrong.ts',
    "import 'node:fs';\nimport 'sharp';\nimport './node/right.ts';\n",
  );
  expect(checkArrows(copy)).toEqual([
    'packages/evaluation/src/wrong.ts: packages/evaluation may not import node:fs, so that it runs anywhere',
    'packages/evaluation/src/wrong.ts: packages/evaluation may not import sharp',
    'packages/evaluation/src/wrong.ts: ./node/right.ts is for Node alone; only src/node may import it',
  ]);
});

test('a peer dependency and a test helper among the dependencies are reported', () => {
  editManifest('packages/trainer', (manifest) => {
    manifest.peerDependencies['@ahpa/libtensorflow'] = '*';
    manifest.dependencies = { '@ahpa/test-utils': 'workspace:*' };
  });
  expect(checkArrows(copy)).toEqual([
    'packages/trainer/package.json: @ahpa/test-utils may only be in devDependencies',
    'packages/trainer/package.json: packages/trainer may not depend on @ahpa/libtensorflow',
  ]);
});

test('a cycle is reported with its packages in order', () => {
  editManifest('packages/weight-files', (manifest) => {
    manifest.dependencies = { '@ahpa/checkpoint': 'workspace:^' };
  });
  expect(checkArrows(copy)).toContain('cycle: @ahpa/checkpoint -> @ahpa/weight-files -> @ahpa/checkpoint');
});

test('a package without a room is reported', () => {
  mkdirSync(join(copy, 'packages', 'utils'));
  addSource('packages/utils/package.json', '{ "name": "@ahpa/utils" }');
  expect(checkArrows(copy)).toEqual([
    'packages/utils: is in no room; add it to scripts/check-arrows.mjs and docs/architecture.md',
  ]);
});

describe('layers inside a package', () => {
  const LAYERS = { 'packages/layered': ['low', ['left', 'right'], 'high', 'index'] };

  beforeEach(() => {
    for (const folder of ['low', 'left', 'right', 'high'])
      mkdirSync(join(copy, 'packages/layered/src', folder), { recursive: true });
    addSource('packages/layered/package.json', '{ "name": "@ahpa/layered", "private": true }');
    addSource('packages/layered/src/low/a.ts', 'export const a = 1;\n');
    addSource('packages/layered/src/left/b.ts', "import '../low/a.ts';\nimport './c.ts';\n");
    addSource('packages/layered/src/left/c.ts', 'export {};\n');
    addSource('packages/layered/src/right/d.ts', 'export {};\n');
    addSource('packages/layered/src/high/e.ts', "import '../left/b.ts';\nimport '../low/a.ts';\n");
    addSource('packages/layered/src/index.ts', "export * from './high/e.ts';\n");
  });

  /** The lines about layers: the package has no room. */
  const wrongLayers = () => checkArrows(copy, LAYERS).filter((line) => !line.includes('is in no room'));

  test('imports from a folder itself and from below are right', () => {
    expect(wrongLayers()).toEqual([]);
  });

  test('imports from above and from beside are reported', () => {
    addSource('packages/layered/src/low/a.ts', "export type { X } from '../high/e.ts';\n");
    addSource('packages/layered/src/right/d.ts', "await import('../left/b.ts');\nimport '../index.ts';\n");
    expect(wrongLayers()).toEqual([
      'packages/layered/src/low/a.ts: low may not import high, which is not below it',
      'packages/layered/src/right/d.ts: right may not import left, which is not below it',
      'packages/layered/src/right/d.ts: right may not import index, which is not below it',
    ]);
  });

  test('a folder or file without a layer is reported, and what imports it', () => {
    addSource('packages/layered/src/extra.ts', 'export {};\n');
    addSource('packages/layered/src/high/e.ts', "import '../extra.ts';\n");
    const hint = 'add it to LAYERS in scripts/check-arrows.mjs';
    expect(wrongLayers()).toEqual([
      `packages/layered/src/extra.ts: extra is in no layer; ${hint}`,
      `packages/layered/src/high/e.ts: extra is in no layer; ${hint}`,
    ]);
  });
});
