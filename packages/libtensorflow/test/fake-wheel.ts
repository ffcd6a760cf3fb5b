/** Tiny wheels with the layout of TensorFlow's, for tests that run the user's real pip without its index. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { libraryName, type Release, releaseFor, type Wheel } from '../src/wheels.ts';

const PACK = `
import json, sys, zipfile
path, files = sys.argv[1], json.loads(sys.argv[2])
with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as archive:
    for name, text in files.items():
        info = zipfile.ZipInfo(name)
        info.external_attr = (0o755 if '/bin/' in name else 0o644) << 16
        archive.writestr(info, text)
    archive.writestr('padding', bytes(int(sys.argv[3])), zipfile.ZIP_STORED)
`;

/** What the fake library file holds. */
export const LIBRARY_TEXT = 'not really a library';

/** Packs `files` into a wheel in `folder` and returns it as a pinned wheel of which `keep` is kept. */
function packWheel(
  folder: string,
  name: string,
  files: Record<string, string>,
  keep: RegExp,
  padding = 0,
): Wheel {
  const underscored = name.replaceAll('-', '_');
  const path = join(folder, `${underscored}-2.21.0-cp311-cp311-manylinux_2_27_x86_64.whl`);
  const info = `${underscored}-2.21.0.dist-info`;
  const all = {
    ...files,
    [`${info}/METADATA`]: `Metadata-Version: 2.1\nName: ${name}\nVersion: 2.21.0\n`,
    [`${info}/WHEEL`]: 'Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: cp311-cp311-manylinux_2_27_x86_64\n',
    [`${info}/RECORD`]: '',
  };
  const args = ['-c', PACK, path, JSON.stringify(all), String(padding)];
  const { status, stderr } = spawnSync('python3', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  const bytes = readFileSync(path);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { name, version: '2.21.0', platform: 'manylinux_2_27_x86_64', sha256, bytes: bytes.length, keep };
}

const [{ keep: keepTensorFlow }, { keep: keepCuda }] = releaseFor(true, 'linux', 'x64', '2.36').wheels as [
  Wheel,
  Wheel,
];

/** A wheel like TensorFlow's; `padding` bytes make it larger. */
export function fakeWheel(folder: string, padding = 0): Wheel {
  const files = {
    [`tensorflow/${libraryName()}`]: LIBRARY_TEXT,
    [`tensorflow/${libraryName().replace('_cc', '_framework')}`]: 'nor this',
    'tensorflow/__init__.py': 'raise SystemExit("never unpacked, never imported")',
  };
  return packWheel(folder, 'fake-tensorflow', files, keepTensorFlow, padding);
}

/** A wheel like those of CUDA. */
export function fakeCudaWheel(folder: string): Wheel {
  const files = {
    'nvidia/cublas/lib/libcublas.so.12': 'a library',
    'nvidia/cublas/include/cublas.h': 'a header',
    'nvidia/cuda_nvcc/bin/ptxas': 'an assembler',
  };
  return packWheel(folder, 'fake-cuda', files, keepCuda);
}

/** A release under the name that `findLibrary` looks for on this machine. */
export const fakeRelease = (...wheels: Wheel[]): Release => ({
  version: '2.21.0',
  target: `2.21.0-${process.platform}-${process.arch}-${wheels.length > 1 ? 'gpu' : 'cpu'}`,
  wheels,
  diskBytes: 1,
});
