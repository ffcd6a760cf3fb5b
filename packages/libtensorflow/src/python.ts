/** TensorFlow's library as part of an installed Python package. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { libraryName } from './wheels.ts';

/** TensorFlow as installed for Python. */
export interface PythonTensorFlow {
  readonly path: string;
  readonly version: string;
  readonly source: 'python';
}

/** Finds the package without importing it, and not in the current folder. */
const FIND = `
import importlib.metadata as metadata, importlib.util as util, json, sys
sys.path = [path for path in sys.path if path]
spec = util.find_spec('tensorflow')
if spec and spec.origin:
    for name in ('tensorflow', 'tensorflow-cpu', 'tensorflow-macos', 'tensorflow-cpu-aws'):
        try:
            print(json.dumps({'folder': list(spec.submodule_search_locations)[0], 'name': name, 'version': metadata.version(name)}))
            break
        except metadata.PackageNotFoundError:
            pass
`;

/** TensorFlow 2.15 to 2.21: the versions whose C library this package was made for. */
function isSupported(version: string): boolean {
  const [major, minor] = version.split('.').map(Number) as [number, number];
  return major === 2 && minor >= 15 && minor <= 21;
}

/** Distributions built for NVIDIA GPUs. */
const isForGpu = (name: string): boolean =>
  name === 'tensorflow' && process.platform === 'linux' && process.arch === 'x64';

/** The installed Python TensorFlow, when there is one of a supported version. Does not import it. */
export function findPythonTensorFlow(gpu = false, python = 'python3'): PythonTensorFlow | undefined {
  const { status, stdout } = spawnSync(python, ['-c', FIND], { encoding: 'utf8', timeout: 20_000 });
  if (status !== 0 || stdout.trim() === '') return undefined;
  const { folder, name, version } = JSON.parse(stdout) as { folder: string; name: string; version: string };
  const path = join(folder, libraryName());
  if (!isSupported(version) || (gpu && !isForGpu(name)) || !existsSync(path)) return undefined;
  return { path, version, source: 'python' };
}
