/** A run of seconds on the plain CPU backend: a few images of 16 pixels and a VAE with random weights. */
import { unwatched } from '@ahpa/messages';
import type { Reporter } from '../src/cli/reporter.ts';
import { loadConfig } from '../src/config/load.ts';
import type { TrainConfig } from '../src/config/types.ts';
import type { Interrupt } from '../src/run/interrupt.ts';

/** Assignments that make a configuration tiny. */
export const tinyAssignments = (vae: string): string[] => [
  `vae=${JSON.stringify({ kind: 'file', path: vae })}`,
  'data.size=16',
  'data.perClass=2',
  'train.backend=cpu',
  'sample.steps=2',
];

/** The configuration `tiny`, tinier still. */
export const tinyConfig = (vae: string, set: readonly string[] = []): TrainConfig =>
  loadConfig({ names: ['tiny'], set: [...tinyAssignments(vae), ...set] });

/** A reporter that remembers. */
export function listener(): Reporter & {
  readonly said: string[];
  readonly printed: string[];
  readonly warned: string[];
} {
  const said: string[] = [];
  const printed: string[] = [];
  const warned: string[] = [];
  return {
    said,
    printed,
    warned,
    say: (text) => said.push(text),
    warn: (text) => warned.push(text),
    progress: () => ({ update: () => undefined, stop: () => undefined }),
    print: (...lines) => printed.push(...lines),
    trace: (stack) => warned.push(stack),
    result: () => undefined,
    close: () => undefined,
  };
}

/** A signal that is aborted after it was looked at `looks` times. */
export function abortAfter(looks: number): AbortSignal {
  let left = looks;
  const { signal } = new AbortController();
  return new Proxy(signal, {
    get: (target, key) => (key === 'aborted' ? left-- <= 0 : Reflect.get(target, key)),
  });
}

/** An interrupt by a signal of one's own; by default nobody interrupts. */
export const uninterrupted = (signal?: Interrupt['signal']): Interrupt => ({
  signal: signal ?? new AbortController().signal,
  stretch: unwatched,
  release: () => undefined,
});
