/** Ends a run at the user's request. */
import type { Reporter } from '../report.ts';

const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;

/** Whether to stop; call `release` when it no longer matters. */
export interface Interrupt {
  readonly signal: AbortSignal;
  release(): void;
}

/** Turns the first SIGINT or SIGTERM into an abort that is announced; the second ends the process at once. */
export function listenForInterrupt(reporter: Reporter): Interrupt {
  const controller = new AbortController();
  const hear = (name: NodeJS.Signals): void => {
    const code = SIGNALS[name as keyof typeof SIGNALS];
    if (controller.signal.aborted) process.exit(code);
    process.exitCode = code;
    reporter.warn('Stopping after this step and saving; a second signal stops at once.');
    controller.abort();
  };
  for (const name of Object.keys(SIGNALS)) process.on(name, hear);
  return {
    signal: controller.signal,
    release: () => {
      for (const name of Object.keys(SIGNALS)) process.off(name, hear);
    },
  };
}
