/** Runs a sweep: each run is `ahpa train` in a process of its own, so that one that breaks takes no other with it. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Reporter } from '@ahpa/messages';
import { loadConfig } from '../config/load.ts';
import { withoutRepeats } from '../config/rename-keys.ts';
import { isComplete, runFolder } from '../records/folder.ts';
import { type Sweep, type SweepRun, sweepRuns } from './sweep-file.ts';

/** Folder, concurrency and program of a sweep. */
export interface SweepOptions {
  readonly runs: string;
  /** Runs at the same time. */
  readonly jobs: number;
  /** Arguments with which Node runs this program. */
  readonly program: readonly string[];
  readonly signal: AbortSignal;
  /** Time in ms after which a run that ignores the signal is killed; default 20 s. */
  readonly grace?: number;
}

/** Time that a run has to save and stop after a signal; then it is killed, and goes on from its last checkpoint. */
const GRACE_MS = 20_000;

/** Result of a sweep. */
export interface SweepSummary {
  readonly folder: string;
  readonly complete: readonly string[];
  /** Runs that ended early, with the last line that they wrote. */
  readonly failed: Readonly<Record<string, string>>;
}

/**
 * Trains every run that is not complete, `jobs` at a time, under `<runs>/<sweep>`; the same call resumes. After an abort no
 * run is started, and those under way save and stop, or are killed after a grace of 20 seconds.
 */
export async function runSweep(
  sweep: Sweep,
  { runs, jobs, program, signal, grace = GRACE_MS }: SweepOptions,
  reporter: Reporter,
): Promise<SweepSummary> {
  const folder = join(runs, sweep.name);
  const warn = withoutRepeats(reporter.warn);
  const all = sweepRuns(sweep).map((run) => ({
    ...run,
    steps: loadConfig({ names: run.config, set: run.set }, warn).train.steps,
  }));
  const complete: string[] = [];
  const failed: Record<string, string> = {};
  const bar = reporter.progress('runs', all.length);
  const waiting = [...all];
  const work = async (): Promise<void> => {
    for (let run = waiting.shift(); run !== undefined && !signal.aborted; run = waiting.shift()) {
      const isDone = (): Promise<boolean> => isComplete(runFolder(join(folder, run.name)), run.steps);
      const problem = (await isDone())
        ? undefined
        : await trainApart([...program, ...trainArguments(run, folder)], signal, grace);
      if (await isDone()) complete.push(run.name);
      else if (!signal.aborted) failed[run.name] = problem ?? 'it ended without its last checkpoint';
      bar.update(complete.length + Object.keys(failed).length, undefined);
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  bar.stop();
  return { folder, complete, failed };
}

/** The command line that trains a run. */
function trainArguments({ name, config, set }: SweepRun, folder: string): string[] {
  const named = config.length === 0 ? [] : ['--config', ...config];
  return ['train', '--quiet', '--runs', folder, '--name', name, ...named, '--set', ...set];
}

/** Runs Node with a command line; resolves to its last line of output if it failed. */
function trainApart(
  line: readonly string[],
  signal: AbortSignal,
  grace: number,
): Promise<string | undefined> {
  if (signal.aborted) return Promise.resolve(undefined);
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, line, {
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true, // a Ctrl-C reaches this process alone, which then asks each run to stop once
    });
    let killer: NodeJS.Timeout | undefined;
    const stop = (): void => {
      child.kill('SIGTERM');
      killer ??= setTimeout(() => child.kill('SIGKILL'), grace);
    };
    signal.addEventListener('abort', stop);
    process.on('exit', stop); // a second signal ends this process at once, and the run likewise
    let words = '';
    child.stderr.on('data', (chunk) => {
      words = `${words}${chunk}`.slice(-2000);
    });
    const forget = (): void => {
      signal.removeEventListener('abort', stop);
      process.off('exit', stop);
      clearTimeout(killer);
    };
    child.on('error', (error) => {
      forget();
      reject(error);
    });
    child.on('close', (code) => {
      forget();
      resolve(code === 0 ? undefined : words.trim().split('\n').at(-1) || `exit code ${code}`);
    });
  });
}
