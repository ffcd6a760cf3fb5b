/** Runs the work of a command: messages, one JSON result, and one sentence for an error. */

import { explain } from '@ahpa/messages';
import type { Command } from 'commander';
import { createReporter, type Reporter } from './reporter.ts';

interface GlobalOptions {
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
}

/** Does `work`; its result is the JSON document. An error becomes one sentence and exit code 1. */
export async function perform(
  command: Command,
  work: (reporter: Reporter) => Promise<unknown>,
): Promise<void> {
  const { json = false, quiet = false, verbose = false } = command.optsWithGlobals<GlobalOptions>();
  const reporter = createReporter({ json, quiet });
  try {
    reporter.result(await work(reporter));
  } catch (error) {
    reporter.close();
    const stack = error instanceof Error && error.stack ? error.stack : String(error);
    if (verbose) reporter.trace(stack);
    else reporter.warn(`error: ${explain(error)}`);
    process.exitCode = 1;
  } finally {
    reporter.close();
  }
}
