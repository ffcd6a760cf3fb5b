import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from '../pnpm.mjs';

const folder = join(ROOT, 'docs', 'decisions');
const files = readdirSync(folder).sort();
const numberOf = (file) => Number(/^(\d{4})-[a-z0-9-]+\.md$/.exec(file)?.[1]);

test('decisions are numbered without gaps', () => {
  expect(files.map(numberOf)).toEqual(files.map((_, i) => i + 1));
});

test.each(files)('%s has its number in its title', (file) => {
  const [title] = readFileSync(join(folder, file), 'utf8').split('\n', 1);
  expect(title).toMatch(new RegExp(`^# ${numberOf(file)}\\. `));
});
