/** Ends a run at the user's or the scheduler's request. */
import type { Reporter } from '@ahpa/messages';

/** The signals that end a run, and the exit codes: 128 and the signal's number, as shells have it. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGUSR1: 138 } as const;

/** Whether to stop; call `release` when it no longer matters. */
export interface Interrupt {
  readonly signal: AbortSignal;
  release(): void;
}

/**
 * Turns the first SIGINT, SIGTERM or SIGUSR1 into an abort, announced as after this `unit`; the second ends the process at once. A terminal that
 * hangs up (SIGHUP) ends nothing.
 */
export function listenForInterrupt(reporter: Reporter, unit = 'step'): Interrupt {
  const controller = new AbortController();
  const hear = (name: NodeJS.Signals): void => {
    const code = SIGNALS[name as keyof typeof SIGNALS];
    if (controller.signal.aborted) process.exit(code);
    process.exitCode = code;
    controller.abort();
    reporter.warn(`Stopping after this ${unit} and saving; a second signal stops at once.`);
  };
  const ignore = (): void => undefined;
  for (const name of Object.keys(SIGNALS)) process.on(name, hear);
  process.on('SIGHUP', ignore);
  return {
    signal: controller.signal,
    release: () => {
      for (const name of Object.keys(SIGNALS)) process.off(name, hear);
      process.off('SIGHUP', ignore);
    },
  };
}
