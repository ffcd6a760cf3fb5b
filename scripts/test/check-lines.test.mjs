import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { checkLines } from '../check-lines.mjs';

let root;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'lines-'));
  mkdirSync(join(root, 'packages/one/src/deep'), { recursive: true });
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

const write = (name, text) => writeFileSync(join(root, 'packages/one/src', name), text);
const statements = (count) => 'x();\n'.repeat(count);

test('a file of 200 lines and a function of 50 are within budget', () => {
  write('index.ts', `/** Doc. */\nfunction f() {\n${statements(48)}}\n${statements(149)}`);
  expect(checkLines(root, {})).toEqual([]);
});

test('a longer file and longer functions are reported by name', () => {
  write('index.ts', statements(201));
  write('deep/arrow.ts', `const f = () => {\n${statements(49)}};\ncall(() => {\n${statements(50)}});\n`);
  expect(checkLines(root, {})).toEqual([
    'packages/one/src/deep/arrow.ts#f: 51 lines, at most 50',
    'packages/one/src/deep/arrow.ts#line 52: 52 lines, at most 50',
    'packages/one/src/index.ts: 201 lines, at most 200',
  ]);
});

test('an exception allows its number of lines, and is reported once it is not needed', () => {
  const name = 'packages/one/src/index.ts';
  write('index.ts', statements(210));
  expect(checkLines(root, { [name]: 210 })).toEqual([]);
  expect(checkLines(root, { [name]: 205 })).toEqual([`${name}: 210 lines, at most 205`]);
  write('index.ts', statements(10));
  expect(checkLines(root, { [name]: 210 })).toEqual([`${name}: no longer over budget; remove its exception`]);
});
