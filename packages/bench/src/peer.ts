/** A process that repeats the work of a benchmark on request: this package's worker, or PyTorch. */
import { type ChildProcess, spawn } from 'node:child_process';
import { extname } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { tieChild, userError } from '@ahpa/messages';
import type { EncodeSpec } from './encode-spec.ts';
import type { EvaluateSpec } from './evaluate-spec.ts';
import type { StepSpec } from './step-spec.ts';
import type { Timing } from './work.ts';

/** The work of one side. */
export type Spec = StepSpec | EncodeSpec | EvaluateSpec;

/** The work that a side repeats: a training step, a network evaluation, images encoded, their features, nearest neighbours. */
export type WorkKind = 'step' | 'infer' | 'encode' | 'features' | 'neighbours';

/** One side of a benchmark. */
export interface Peer {
  readonly name: string;
  readonly spec: Spec;
  readonly parameters: number;
  /** Does the work `count` times. */
  run(kind: WorkKind, count: number): Promise<Timing>;
  quit(): void;
}

async function start(name: string, spec: Spec, command: string, args: readonly string[]): Promise<Peer> {
  const child: ChildProcess = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  tieChild(child);
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

// Beside this file: `worker.ts` in the sources, `worker.js` in the built package.
const WORKER = fileURLToPath(new URL(`worker${extname(import.meta.url)}`, import.meta.url));

/** This package's worker, in a process of its own so that its memory is its own. */
export function ownPeer(name: string, spec: Spec): Promise<Peer> {
  return start(name, spec, process.execPath, [...process.execArgv, WORKER, JSON.stringify(spec)]);
}

/** A mode of PyTorch: eager, through torch.compile, or with maps in channels-last order. */
export type TorchMode = 'eager' | 'compile' | 'channels-last';

/** PyTorch in a mode, run by the Python at `python`. */
export function torchPeer(python: string, spec: Spec, mode: TorchMode): Promise<Peer> {
  const script = fileURLToPath(new URL(`../python/torch_${spec.work}.py`, import.meta.url));
  return start(`torch ${mode}`, spec, python, [script, JSON.stringify({ ...spec, mode })]);
}
