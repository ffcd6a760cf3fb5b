import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from '../pnpm.mjs';

/** Numbers that no decision has, kept so that references stay right. */
const GAPS = [9, 20, 21, 25];

const folder = join(ROOT, 'docs', 'decisions');
const files = readdirSync(folder).sort();
const numberOf = (file) => Number(/^(\d{4})-[a-z0-9-]+\.md$/.exec(file)?.[1]);

test('decisions are numbered without gaps', () => {
  const numbers = Array.from({ length: numberOf(files.at(-1)) }, (_, i) => i + 1);
  expect(files.map(numberOf)).toEqual(numbers.filter((number) => !GAPS.includes(number)));
});

test.each(files)('%s has its number in its title', (file) => {
  const [title] = readFileSync(join(folder, file), 'utf8').split('\n', 1);
  expect(title).toMatch(new RegExp(`^# ${numberOf(file)}\\. `));
});
