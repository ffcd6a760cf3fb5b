/** Calls of the user's own pip, with one-sentence errors. */
import { spawn } from 'node:child_process';
import { tieChild, userError } from '@ahpa/messages';
import type { Wheel } from './wheels.ts';

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

/** Lets pip download `wheel` into `folder`, by way of a `temporary` folder on the same disk. */
export function runPip(wheel: Wheel, folder: string, temporary: string, python: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const pip = spawn(python, pipArguments(wheel, folder), {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: pipEnvironment(temporary),
    });
    tieChild(pip);
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
