/** Where libraries are looked for, in which order, and what is said when there is none. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { cacheFolder, findLibrary } from '../src/library.ts';
import { libraryName, releaseFor, TENSORFLOW_VERSION } from '../src/wheels.ts';

let folder: string;
let cacheDir: string;
const nowhere = '/nowhere/python3';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'libtensorflow-find-'));
  cacheDir = join(folder, 'cache');
  vi.stubEnv('LIBTENSORFLOW_PATH', '');
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

function write(path: string, text = 'library'): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

/** A library in the cache as `setup` leaves it. */
function cached(variant: 'cpu' | 'gpu'): string {
  const target = join(cacheDir, `${TENSORFLOW_VERSION}-${process.platform}-${process.arch}-${variant}`);
  const file = `tensorflow/${libraryName()}`;
  write(join(target, 'library.json'), JSON.stringify({ version: TENSORFLOW_VERSION, files: { [file]: 7 } }));
  return write(join(target, file));
}

/** A Python package that must not be imported. */
function pythonPackage(version: string, distribution = 'tensorflow_cpu'): string {
  const site = join(folder, 'site');
  write(join(site, 'tensorflow', '__init__.py'), 'raise SystemExit("imported")');
  write(
    join(site, `${distribution}-${version}.dist-info`, 'METADATA'),
    `Metadata-Version: 2.1\nName: ${distribution.replace('_', '-')}\nVersion: ${version}\n`,
  );
  vi.stubEnv('PYTHONPATH', site);
  return write(join(site, 'tensorflow', libraryName()));
}

describe('LIBTENSORFLOW_PATH', () => {
  test('names the file, its folder, or the folder of a Python package above it, and comes first', () => {
    cached('cpu');
    const path = write(join(folder, 'mine', 'tensorflow', libraryName()));
    for (const given of [path, dirname(path), join(folder, 'mine')]) {
      vi.stubEnv('LIBTENSORFLOW_PATH', given);
      expect(findLibrary({ cacheDir })).toEqual({ path, source: 'environment' });
    }
  });

  test('is an error when it does not exist or holds no library', () => {
    cached('cpu');
    vi.stubEnv('LIBTENSORFLOW_PATH', '/nowhere/lib.so');
    expect(() => findLibrary({ cacheDir })).toThrow(
      'LIBTENSORFLOW_PATH is /nowhere/lib.so, which does not exist',
    );
    vi.stubEnv('LIBTENSORFLOW_PATH', folder);
    expect(() => findLibrary({ cacheDir })).toThrow(`which holds no ${libraryName()}`);
  });
});

describe('the cache', () => {
  test('gives the build for GPUs first, and nothing else when that one is asked for', () => {
    const cpu = cached('cpu');
    expect(findLibrary({ cacheDir, python: nowhere })).toEqual({
      path: cpu,
      version: TENSORFLOW_VERSION,
      source: 'cache',
    });
    expect(() => findLibrary({ cacheDir, gpu: true, python: nowhere })).toThrow('setup --gpu');
    const gpu = cached('gpu');
    expect(findLibrary({ cacheDir }).path).toBe(gpu);
    expect(findLibrary({ cacheDir, gpu: true }).path).toBe(gpu);
  });

  test('is $LIBTENSORFLOW_CACHE, or a folder of its own in the XDG cache', () => {
    vi.stubEnv('LIBTENSORFLOW_CACHE', '/some/cache');
    expect(cacheFolder()).toBe('/some/cache');
    vi.stubEnv('LIBTENSORFLOW_CACHE', '');
    vi.stubEnv('XDG_CACHE_HOME', '/xdg');
    expect(cacheFolder()).toBe(
      process.platform === 'linux' ? '/xdg/libtensorflow' : expect.stringMatching(/libtensorflow$/),
    );
  });
});

describe("Python's own TensorFlow", () => {
  test('is used when its version is supported, without importing it', () => {
    const path = pythonPackage('2.17.1');
    expect(findLibrary({ cacheDir })).toEqual({ path, version: '2.17.1', source: 'python' });
  });

  test('comes after the cache', () => {
    pythonPackage('2.17.1');
    const path = cached('cpu');
    expect(findLibrary({ cacheDir }).path).toBe(path);
  });

  test.each(['2.14.0', '2.22.0', '3.15.0'])('is left alone at version %s', (version) => {
    pythonPackage(version);
    expect(() => findLibrary({ cacheDir })).toThrow('was not found');
  });

  test('for the CPU does not do where one for GPUs is asked for', () => {
    pythonPackage('2.17.1');
    expect(() => findLibrary({ cacheDir, gpu: true })).toThrow('for NVIDIA GPUs was not found');
  });
});

test('without a library the message says where was looked and names the command', () => {
  expect(() => findLibrary({ cacheDir, python: nowhere })).toThrow(
    `TensorFlow's library was not found in ${cacheDir} nor in Python: obtain it with \`npx @ahpa/libtensorflow setup\``,
  );
});

describe('releases', () => {
  test.each([
    ['linux', 'x64', 'tensorflow-cpu', 'manylinux_2_27_x86_64'],
    ['linux', 'arm64', 'tensorflow', 'manylinux_2_27_aarch64'],
    ['darwin', 'arm64', 'tensorflow', 'macosx_12_0_arm64'],
  ])('for the CPU of %s %s are one pinned wheel', (platform, arch, name, tag) => {
    const { wheels, target } = releaseFor(false, platform, arch, '2.36');
    expect(wheels).toHaveLength(1);
    expect(wheels[0]).toMatchObject({ name, platform: tag, version: '2.21.0' });
    expect(target).toBe(`2.21.0-${platform}-${arch}-cpu`);
  });

  test('for GPUs add the CUDA wheels, every one pinned by its hash', () => {
    const { wheels } = releaseFor(true, 'linux', 'x64', '2.36');
    expect(wheels.map(({ name }) => name)).toContain('nvidia-cudnn-cu12');
    expect(wheels).toHaveLength(13);
    for (const { sha256 } of wheels) expect(sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(new Set(wheels.map(({ sha256 }) => sha256)).size).toBe(13);
  });

  test.each([
    ['win32', 'x64', false, 'not for win32 x64: use WSL 2'],
    ['darwin', 'x64', false, 'not for darwin x64: use another backend'],
    ['darwin', 'arm64', true, 'NVIDIA GPUs on Linux x64, not for darwin arm64'],
  ])('are refused for %s %s (gpu: %s)', (platform, arch, gpu, message) => {
    expect(() => releaseFor(gpu, platform, arch, '2.36')).toThrow(message);
  });

  test.each([
    [undefined, 'no glibc'],
    ['2.17', 'glibc 2.17'],
  ])('are refused for a Linux with glibc %s', (glibc, message) => {
    // `undefined` would ask this machine, so the musl case passes an empty report through the default.
    if (glibc === undefined) vi.spyOn(process.report, 'getReport').mockReturnValue({ header: {} } as never);
    expect(() => releaseFor(false, 'linux', 'x64', glibc)).toThrow(message);
    vi.restoreAllMocks();
  });
});
