/** Fails on problems that publint or Are the Types Wrong finds in a package as published, one line for each. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { packAll } from './packages.mjs';

/** Rules that ES modules cannot meet: resolution by old Node, and `require` of Node 16. */
const NOT_OFFERED = new Set(['node10', 'node16-cjs']);

/** Problems of the types in a tarball. */
async function checkTypes(data) {
  const { problems = [] } = await checkPackage(createPackageFromTarballData(data));
  return problems
    .filter(({ resolutionKind }) => !NOT_OFFERED.has(resolutionKind))
    .map((problem) => `attw: ${JSON.stringify(problem)}`);
}

/** Problems of the manifest and the files in a tarball. */
async function checkManifest(data, manifest) {
  const tarball = data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);
  const { messages } = await publint({ pack: { tarball }, strict: true });
  return messages.map((message) => `publint: ${formatMessage(message, manifest, { color: false })}`);
}

const folder = mkdtempSync(join(tmpdir(), 'packages-'));
try {
  for (const { manifest, tarball } of packAll(folder)) {
    const data = new Uint8Array(readFileSync(tarball));
    const faults = [...(await checkManifest(data, manifest)), ...(await checkTypes(data))];
    for (const fault of faults) process.stderr.write(`${manifest.name}: ${fault}\n`);
    if (faults.length > 0) process.exitCode = 1;
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
