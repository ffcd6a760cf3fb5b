/** Set-up against the user's real pip, with tiny wheels in a local folder in place of the package index. */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { findLibrary, type Library } from '../src/library.ts';
import { install, type SetupOptions, setup } from '../src/setup.ts';
import type { Wheel } from '../src/wheels.ts';
import { fakeCudaWheel, fakeRelease, fakeWheel, LIBRARY_TEXT } from './fake-wheel.ts';

const nowhere = '/nowhere/python3';
let index: string;
let folder: string;
let cacheDir: string;
let wheel: Wheel;

beforeAll(() => {
  index = mkdtempSync(join(tmpdir(), 'libtensorflow-index-'));
  wheel = fakeWheel(index, 4_000_000);
});

afterAll(() => rmSync(index, { recursive: true, force: true }));

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'libtensorflow-setup-'));
  cacheDir = join(folder, 'cache');
  vi.stubEnv('LIBTENSORFLOW_PATH', '');
  vi.stubEnv('PIP_NO_INDEX', '1');
  vi.stubEnv('PIP_FIND_LINKS', index);
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

const target = (): string => join(cacheDir, fakeRelease(wheel).target);

function run(options: SetupOptions = {}, release = fakeRelease(wheel)): Promise<Library> {
  const defaults = { gpu: false, cacheDir, onProgress: () => {}, say: () => {}, python: 'python3' };
  return install(release, { ...defaults, ...options });
}

const wheelName = (): string =>
  readdirSync(index).find((name) => name.startsWith('fake_tensorflow')) as string;

/** Puts the whole wheel where a set-up that was interrupted while unpacking leaves it, so that pip is not needed. */
function downloaded(): void {
  const name = wheelName();
  mkdirSync(join(`${target()}.partial`, 'wheels', wheel.name), { recursive: true });
  copyFileSync(join(index, name), join(`${target()}.partial`, 'wheels', wheel.name, name));
}

/** An executable that stands in for Python. */
function script(body: string): string {
  const path = join(folder, 'python');
  writeFileSync(path, `#!/bin/sh\n${body}\n`);
  chmodSync(path, 0o755);
  return path;
}

/** Python with a record of how often it was started. */
function countedPython(): { python: string; starts: () => number } {
  const record = join(folder, 'starts');
  const starts = (): number => (existsSync(record) ? readFileSync(record, 'utf8').length : 0);
  return { python: script(`printf x >> '${record}'\nexec python3 "$@"`), starts };
}

describe('a whole set-up', () => {
  test('leaves the two libraries and nothing else in the cache, where findLibrary finds them', async () => {
    const sentences: string[] = [];
    const library = await run({ say: (sentence) => sentences.push(sentence) });
    expect(readFileSync(library.path, 'utf8')).toBe(LIBRARY_TEXT);
    expect(readdirSync(cacheDir)).toEqual([basename(target())]);
    expect(readdirSync(target())).toEqual(['library.json', 'tensorflow']);
    expect(readdirSync(join(target(), 'tensorflow'))).toHaveLength(2);
    expect(findLibrary({ cacheDir })).toEqual({ path: library.path, version: '2.21.0', source: 'cache' });
    expect(sentences).toEqual([expect.stringContaining('Downloading'), expect.stringContaining('Unpacking')]);
  });

  test('for GPUs lays the CUDA libraries beside TensorFlow, where it looks for them, and programs executable', async () => {
    const release = fakeRelease(wheel, fakeCudaWheel(index));
    const shares: number[] = [];
    const { path } = await run(
      { gpu: true, onProgress: (_, done, total) => shares.push(done / total) },
      release,
    );
    const nvidia = join(path, '..', '..', 'nvidia');
    expect(
      readdirSync(nvidia, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()),
    ).toHaveLength(2);
    expect(readFileSync(join(nvidia, 'cublas', 'lib', 'libcublas.so.12'), 'utf8')).toBe('a library');
    expect(statSync(join(nvidia, 'cuda_nvcc', 'bin', 'ptxas')).mode & 0o777).toBe(0o755);
    expect(findLibrary({ cacheDir, gpu: true }).path).toBe(path);
    expect(Math.max(...shares)).toBe(1);
  });

  test('is not begun again, nor where LIBTENSORFLOW_PATH names a library', async () => {
    downloaded();
    const first = await run({ python: nowhere });
    expect(await setup({ cacheDir, python: nowhere })).toEqual(first);
    vi.stubEnv('LIBTENSORFLOW_PATH', first.path);
    const other = join(folder, 'other');
    expect(await setup({ cacheDir: other, python: nowhere })).toEqual({
      path: first.path,
      source: 'environment',
    });
    expect(existsSync(other)).toBe(false);
  });
});

describe('progress', () => {
  let server: Server;
  const seen: { stage: string; share: number }[] = [];
  const part = (): boolean => seen.some(({ share }) => share > 0.05 && share < 0.95);

  /** An index that sends half of the wheel, and the rest once progress was seen. */
  beforeEach(async () => {
    seen.length = 0;
    const name = wheelName();
    const bytes = readFileSync(join(index, name));
    server = createServer(async (request, response) => {
      if (request.url === '/') {
        return response.setHeader('Content-Type', 'text/html').end(`<a href="/${name}">${name}</a>`);
      }
      response.setHeader('Content-Length', bytes.length).write(bytes.subarray(0, bytes.length / 2));
      while (!part() && !response.destroyed) await sleep(50);
      return response.end(bytes.subarray(bytes.length / 2));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    vi.stubEnv('PIP_FIND_LINKS', `http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    vi.stubEnv('NO_PROXY', '127.0.0.1');
  });

  afterEach(() => server.close());

  test('of a slow download is reported on the way, then that of unpacking', async () => {
    await run({ onProgress: (stage, done, total) => seen.push({ stage, share: done / total }) });
    const download = seen.filter(({ stage }) => stage === 'download').map(({ share }) => share);
    expect(download).toEqual(download.toSorted((a, b) => a - b));
    expect(download.at(-1)).toBe(1);
    expect(seen.at(-1)).toEqual({ stage: 'unpack', share: 1 });
  });
});

describe('several processes, and interruptions', () => {
  test('a second process waits, says so, and downloads nothing', async () => {
    const { python, starts } = countedPython();
    const sentences: string[] = [];
    const first = run({ python });
    await vi.waitFor(() => expect(existsSync(`${target()}.lock`)).toBe(true));
    const second = run({ python, say: (sentence) => sentences.push(sentence) });
    expect(await second).toEqual(await first);
    expect(sentences).toEqual([expect.stringContaining('Another process is setting TensorFlow up')]);
    expect(starts()).toBe(1);
    expect(existsSync(`${target()}.lock`)).toBe(false);
  });

  test('the lock of a process that died is taken over', async () => {
    downloaded();
    mkdirSync(`${target()}.lock`);
    const longAgo = new Date(Date.now() - 3_600_000);
    utimesSync(`${target()}.lock`, longAgo, longAgo);
    const sentences: string[] = [];
    await run({ python: nowhere, say: (sentence) => sentences.push(sentence) });
    expect(sentences[0]).toContain('Downloading');
  });

  test('after an interruption a whole wheel is kept and half-written files are not', async () => {
    downloaded();
    mkdirSync(join(`${target()}.partial`, 'files', 'tensorflow'), { recursive: true });
    writeFileSync(join(`${target()}.partial`, 'files', 'tensorflow', 'half'), 'of a file');
    const { path } = await run({ python: nowhere });
    expect(readFileSync(path, 'utf8')).toBe(LIBRARY_TEXT);
    expect(readdirSync(join(target(), 'tensorflow'))).toHaveLength(2);
  });

  test('half a wheel left by an interruption is downloaded again', async () => {
    const wheels = join(`${target()}.partial`, 'wheels', wheel.name);
    mkdirSync(wheels, { recursive: true });
    writeFileSync(join(wheels, 'half-2.21.0-py3-none-any.whl'), 'half');
    expect(readFileSync((await run()).path, 'utf8')).toBe(LIBRARY_TEXT);
  });

  test('a damaged library is named by findLibrary and obtained again by setup', async () => {
    downloaded();
    const { path } = await run({ python: nowhere });
    truncateSync(path, 3);
    expect(() => findLibrary({ cacheDir })).toThrow(`The TensorFlow library in ${target()} is damaged`);
    downloaded();
    const sentences: string[] = [];
    await run({ python: nowhere, say: (sentence) => sentences.push(sentence) });
    expect(sentences[0]).toContain('is damaged and is obtained again');
    expect(findLibrary({ cacheDir }).path).toBe(path);
  });
});

describe('what can go wrong is said in one sentence', () => {
  const failure = async (options: SetupOptions, release = fakeRelease(wheel)): Promise<string> => {
    const error = await run(options, release).catch((reason: Error) => reason);
    if (!(error instanceof Error)) throw new Error('the set-up succeeded');
    expect(error.name).toBe('UserError');
    expect(error.message).not.toContain('\n');
    expect(existsSync(target())).toBe(false);
    return error.message;
  };

  test('no Python', async () => {
    expect(await failure({ python: nowhere })).toContain('Python (/nowhere/python3) was not found');
  });

  test('no pip', async () => {
    const python = script('echo "/usr/bin/python3: No module named pip" >&2; exit 1');
    expect(await failure({ python })).toContain('has no pip');
  });

  test('no network', async () => {
    vi.stubEnv('PIP_NO_INDEX', '');
    vi.stubEnv('PIP_FIND_LINKS', '');
    vi.stubEnv('PIP_INDEX_URL', 'http://127.0.0.1:9/simple');
    vi.stubEnv('PIP_EXTRA_INDEX_URL', 'http://127.0.0.1:9/simple');
    vi.stubEnv('PIP_CONFIG_FILE', '/dev/null');
    vi.stubEnv('PIP_RETRIES', '1');
    vi.stubEnv('NO_PROXY', '127.0.0.1');
    expect(await failure({})).toContain('could not reach its package index');
  });

  test('an index without the package', async () => {
    vi.stubEnv('PIP_FIND_LINKS', folder);
    expect(await failure({})).toContain("pip's package index has no fake-tensorflow 2.21.0");
  });

  test('another file than the pinned one', async () => {
    const other = { ...wheel, sha256: '0'.repeat(64) };
    expect(await failure({}, fakeRelease(other))).toContain('is not the pinned file');
    expect(existsSync(join(`${target()}.partial`, 'wheels', wheel.name))).toBe(false);
  });

  test('a disk too small', async () => {
    const message = await failure({ python: nowhere }, { ...fakeRelease(wheel), diskBytes: 1e18 });
    expect(message).toMatch(/has [\d.]+ GB free and TensorFlow's library needs 1000000000\.0 GB/);
  });

  test('a disk that fills up during the download', async () => {
    const python = script('echo "ERROR: [Errno 28] No space left on device" >&2; exit 1');
    expect(await failure({ python })).toContain('The disk filled up');
  });

  test('a cache folder that cannot be written', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    const message = await failure({ cacheDir: join(file, 'cache') });
    expect(message).toContain(`The cache folder ${join(file, 'cache')} cannot be written`);
    expect(message).toContain('set LIBTENSORFLOW_CACHE');
  });

  test('anything else that pip says', async () => {
    const python = script('echo "ERROR: the moon is in the way" >&2; exit 2');
    expect(await failure({ python })).toContain('ERROR: the moon is in the way');
  });
});
