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
    else reporter.warn(shorten(`error: ${explain(error)}`));
    process.exitCode = 1;
  } finally {
    reporter.close();
  }
}

/** Rows of a terminal that an error takes at most, and their width. */
const ROWS = 20;
const COLUMNS = 80;

/** A text cut to the rows that an error may take; its last row says how to see the rest. */
export function shorten(text: string): string {
  const rowsOf = (line: string): number => Math.max(1, Math.ceil(line.length / COLUMNS));
  const lines = text.split('\n');
  if (lines.reduce((sum, line) => sum + rowsOf(line), 0) <= ROWS) return text;
  const kept: string[] = [];
  for (let left = ROWS - 1; left > 0; left -= rowsOf(kept.at(-1) as string)) {
    kept.push((lines[kept.length] as string).slice(0, left * COLUMNS));
  }
  return [...kept, '… (--verbose shows all)'].join('\n');
}
