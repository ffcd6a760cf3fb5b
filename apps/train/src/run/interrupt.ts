/** Ends a command at the user's or the scheduler's request. */
import { setImmediate } from 'node:timers/promises';
import type { Reporter, Stretch } from '@ahpa/messages';

/** The signals that end a run, and the exit codes: 128 and the signal's number, as shells have it. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGUSR1: 138 } as const;

/** Those whose default ends the process; that of SIGUSR1 starts Node's debugger. */
const DEADLY = ['SIGINT', 'SIGTERM'] as const;

/** Seconds of a stretch that a signal may wait for: with the saving after it, it is obeyed within ten. */
const LONGEST_SECONDS = 5;

/** Whether to stop; call `release` when it no longer matters. */
export interface Interrupt {
  readonly signal: AbortSignal;
  /**
   * Does work that cannot be broken off. The first of each kind, and those of a kind that took more than five seconds last time, leave SIGINT
   * and SIGTERM to the system, which ends the process at once; `before` may save what would be lost.
   */
  stretch<T>(kind: string, work: () => T | Promise<T>, before?: () => void | Promise<void>): Promise<T>;
  release(): void;
}

/** What a signal means to a command. */
export interface InterruptWords {
  /** What is finished before the command ends. */
  readonly unit: string;
  /** How it goes on where a signal ends it in the middle of a long stretch. */
  readonly resume: string;
}

/** Words of an extraction. */
export const EXTRACTING: InterruptWords = {
  unit: 'this batch',
  resume: 'the same command goes on after the images written',
};

/** Words of the drawing of many images. */
export const GENERATING: InterruptWords = {
  unit: 'this step of the sampler',
  resume: 'finished batches are kept and the same command goes on after them',
};

/** Words of the training of a run. */
const TRAINING: InterruptWords = {
  unit: 'this step and saving',
  resume: 'the same command goes on from the newest checkpoint (train.checkpointEvery)',
};

/**
 * Turns the first SIGINT, SIGTERM or SIGUSR1 into an abort; the second ends the process at once. A terminal that hangs up (SIGHUP) ends
 * nothing. JavaScript receives a signal when the event loop turns only, so work that keeps it from turning is announced as a `stretch`.
 */
export function listenForInterrupt(
  reporter: Pick<Reporter, 'warn'>,
  { unit, resume }: InterruptWords = TRAINING,
): Interrupt {
  const controller = new AbortController();
  const hear = (name: NodeJS.Signals): void => {
    const code = SIGNALS[name as keyof typeof SIGNALS];
    if (controller.signal.aborted) process.exit(code);
    process.exitCode = code;
    controller.abort();
    reporter.warn(`Stopping after ${unit}; a second signal stops at once.`);
  };
  const ignore = (): void => undefined;
  for (const name of Object.keys(SIGNALS)) process.on(name, hear);
  process.on('SIGHUP', ignore);
  const exposure = signalExposure(hear);
  const durations = stopwatch();
  const announce = once((kind, seconds) =>
    reporter.warn(
      `${kind} takes ${seconds.toFixed(0)} s here: a signal meanwhile ends the process at once; ${resume}.`,
    ),
  );
  return {
    signal: controller.signal,
    stretch: async (kind, work, before) => {
      const last = durations.last(kind);
      if (last <= LONGEST_SECONDS) return durations.time(kind, work);
      await before?.();
      if (last < Number.POSITIVE_INFINITY) announce(kind, last);
      await setImmediate(); // a signal that has arrived already is received
      controller.signal.throwIfAborted();
      return exposure.during(() => durations.time(kind, work));
    },
    release: () => {
      exposure.end();
      for (const name of Object.keys(SIGNALS)) process.off(name, hear);
      process.off('SIGHUP', ignore);
    },
  };
}

/** Leaves the deadly signals to the system during work, any number of times at once, until `end`. */
function signalExposure(hear: (name: NodeJS.Signals) => void): {
  during<T>(work: () => Promise<T>): Promise<T>;
  end(): void;
} {
  let open = 0;
  let ended = false;
  return {
    during: async (work) => {
      if (open++ === 0) for (const name of DEADLY) process.off(name, hear);
      try {
        return await work();
      } finally {
        if (--open === 0 && !ended) for (const name of DEADLY) process.on(name, hear);
      }
    },
    end: () => {
      ended = true;
    },
  };
}

/** Durations in seconds of the newest work of each kind; infinite where there was none. */
function stopwatch(): { last(kind: string): number; time: Stretch } {
  const seconds = new Map<string, number>();
  return {
    last: (kind) => seconds.get(kind) ?? Number.POSITIVE_INFINITY,
    time: async (kind, work) => {
      const begin = performance.now();
      const result = await work();
      seconds.set(kind, (performance.now() - begin) / 1000);
      return result;
    },
  };
}

/** Calls `announce` for the first work of each kind only. */
function once(announce: (kind: string, seconds: number) => void): (kind: string, seconds: number) => void {
  const announced = new Set<string>();
  return (kind, seconds) => {
    if (!announced.has(kind)) announce(kind, seconds);
    announced.add(kind);
  };
}
