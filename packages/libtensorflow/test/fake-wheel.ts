/** Tiny wheels with the layout of TensorFlow's, for tests that run the user's real pip without its index. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { libraryName, type Release, type Wheel } from '../src/wheels.ts';

const PACK = `
import json, sys, zipfile
path, files = sys.argv[1], json.loads(sys.argv[2])
with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as archive:
    for name, text in files.items():
        archive.writestr(name, text)
    archive.writestr('padding', bytes(int(sys.argv[3])), zipfile.ZIP_STORED)
`;

/** What the fake library file holds. */
export const LIBRARY_TEXT = 'not really a library';

/** Writes `<folder>/fake_tensorflow-2.21.0-….whl` and returns it as a pinned wheel. `padding` bytes make it larger. */
export function fakeWheel(folder: string, padding = 0): Wheel {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, 'fake_tensorflow-2.21.0-cp311-cp311-manylinux_2_27_x86_64.whl');
  const info = 'fake_tensorflow-2.21.0.dist-info';
  const framework = libraryName().replace('_cc', '_framework');
  const files = {
    [`tensorflow/${libraryName()}`]: LIBRARY_TEXT,
    [`tensorflow/${framework}`]: 'nor this',
    'tensorflow/__init__.py': 'raise SystemExit("never unpacked, never imported")',
    [`${info}/METADATA`]: 'Metadata-Version: 2.1\nName: fake-tensorflow\nVersion: 2.21.0\n',
    [`${info}/WHEEL`]: 'Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: cp311-cp311-manylinux_2_27_x86_64\n',
    [`${info}/RECORD`]: '',
  };
  const args = ['-c', PACK, path, JSON.stringify(files), String(padding)];
  const { status, stderr } = spawnSync('python3', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  const bytes = readFileSync(path);
  return {
    name: 'fake-tensorflow',
    version: '2.21.0',
    platform: 'manylinux_2_27_x86_64',
    sha256: createHash('sha256').update(bytes).digest('hex'),
    bytes: bytes.length,
    keep: /^tensorflow\/libtensorflow_/,
  };
}

/** A release of one wheel under the name that `findLibrary` looks for on this machine. */
export const fakeRelease = (wheel: Wheel): Release => ({
  version: '2.21.0',
  target: `2.21.0-${process.platform}-${process.arch}-cpu`,
  wheels: [wheel],
  diskBytes: 1,
});
