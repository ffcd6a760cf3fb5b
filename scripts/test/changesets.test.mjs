import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import releasePlan from '@changesets/get-release-plan';
import { expect, test } from 'vitest';

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

test('every changeset can be released', async () => {
  const files = readdirSync(join(ROOT, '.changeset')).filter((name) => /^(?!README).*\.md$/.test(name));
  const { changesets } = await releasePlan(ROOT);
  expect(changesets.map(({ id }) => `${id}.md`).sort()).toEqual(files.sort());
});
