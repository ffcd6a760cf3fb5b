/** A process that takes steps when told to: this program's worker, or PyTorch. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { type Reporter, userError } from '@ahpa/messages';
import { defaultCacheDir } from '../files/cache-folder.ts';
import { inPackage } from '../files/package-folder.ts';
import type { EncodeSpec } from './encode-spec.ts';
import type { EvaluateSpec } from './evaluate-spec.ts';
import type { StepSpec } from './spec.ts';
import type { Timing } from './work.ts';

const REQUIREMENTS = ['torch==2.13.0', 'diffusers==0.42.1', 'numpy'];

/** The work of one side. */
export type Spec = StepSpec | EncodeSpec | EvaluateSpec;

/** What a side is asked to do: take a training step, evaluate the network, encode images, or evaluate them. */
export type Kind = 'step' | 'infer' | 'encode' | 'features' | 'neighbours';

/** One side of a benchmark. */
export interface Peer {
  readonly name: string;
  readonly spec: Spec;
  readonly parameters: number;
  /** Does the work `count` times. */
  run(kind: Kind, count: number): Promise<Timing>;
  quit(): void;
}

async function start(name: string, spec: Spec, command: string, args: readonly string[]): Promise<Peer> {
  const child: ChildProcess = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr?.on('data', (chunk) => {
    errors = (errors + String(chunk)).slice(-2000);
  });
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  const next = async (): Promise<unknown> => {
    const { value, done } = await lines.next();
    if (done)
      throw userError(
        `The benchmark's ${name} process ended early: ${errors.trim().split('\n').at(-1) ?? 'no message'}`,
      );
    return JSON.parse(value as string);
  };
  const { parameters } = (await next()) as { parameters: number };
  return {
    name,
    spec,
    parameters,
    run: async (kind, count) => {
      child.stdin?.write(`${kind} ${count}\n`);
      return (await next()) as Timing;
    },
    quit: () => void child.stdin?.end('quit\n'),
  };
}

/** This program, in a process of its own so that its memory is its own. */
export function ownPeer(name: string, spec: Spec): Promise<Peer> {
  const program = process.argv[1] as string;
  return start(name, spec, process.execPath, [
    ...process.execArgv,
    program,
    'bench',
    'worker',
    JSON.stringify(spec),
  ]);
}

/** How PyTorch works. */
export type TorchMode = 'eager' | 'compile' | 'channels-last';

/** PyTorch: eager, through torch.compile, or with maps in channels-last order. */
export function torchPeer(python: string, spec: Spec, mode: TorchMode): Promise<Peer> {
  const script = inPackage(`bench/torch_${spec.work}.py`);
  return start(`torch ${mode}`, spec, python, [script, JSON.stringify({ ...spec, mode })]);
}

/** A Python with PyTorch and diffusers: the given one, or that of a virtual environment made for it in the cache folder. */
export async function torchPython(given: string | undefined, reporter: Reporter): Promise<string> {
  if (given) return given;
  const folder = join(defaultCacheDir(), 'torch');
  const python = join(folder, 'bin', 'python');
  const run = promisify(execFile);
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
  await run(python, ['-m', 'pip', 'install', '--quiet', ...REQUIREMENTS], { maxBuffer: 1 << 26 });
  return python;
}
