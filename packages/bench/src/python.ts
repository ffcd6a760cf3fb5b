/** A Python with PyTorch for the other side of a benchmark. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Reporter, tieChild } from '@ahpa/messages';

const REQUIREMENTS = ['torch==2.13.0', 'diffusers==0.42.1', 'numpy'];

/** Path of a Python with PyTorch and diffusers: that of the virtual environment `torch` in `cacheDir`, made where it is missing. */
export async function torchPython(cacheDir: string, reporter: Reporter): Promise<string> {
  const folder = join(cacheDir, 'torch');
  const python = join(folder, 'bin', 'python');
  const run = (file: string, args: readonly string[]): Promise<unknown> => {
    const running = promisify(execFile)(file, args, { maxBuffer: 1 << 26 });
    tieChild(running.child);
    return running;
  };
  if (
    existsSync(python) &&
    (await run(python, ['-c', 'import torch, diffusers']).then(
      () => true,
      () => false,
    ))
  )
    return python;
  reporter.say(`Installing ${REQUIREMENTS.join(', ')} into ${folder} for the comparison.`);
  await mkdir(folder, { recursive: true });
  await run('python3', ['-m', 'venv', folder]);
  await run(python, ['-m', 'pip', 'install', '--quiet', ...REQUIREMENTS]);
  return python;
}
