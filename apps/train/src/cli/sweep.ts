/** `ahpa sweep`: trains the arms of a comparison, paired over seeds. */
import { join } from 'node:path';
import { userError } from '@ahpa/messages';
import { Command } from 'commander';
import { listenForInterrupt } from '../run/interrupt.ts';
import { count } from './numbers.ts';
import { perform } from './perform.ts';
import { writeReport } from './report.ts';

/** The command. */
export function sweepCommand(): Command {
  return new Command('sweep')
    .description('train arms x seeds, paired, and write the report; rerun to resume')
    .argument('<file>', 'a sweep file (configs/sweeps has examples)')
    .option('--runs <folder>', 'folder of the runs', 'runs')
    .option('--jobs <n>', 'runs at the same time, each in a process of its own', count, 1)
    .action(
      (file: string, { runs, jobs }: { readonly runs: string; readonly jobs: number }, command: Command) =>
        perform(command, async (reporter) => {
          const { readSweep } = await import('../experiments/sweep-file.ts');
          const { runSweep } = await import('../experiments/sweep.ts');
          const interrupt = listenForInterrupt(reporter, {
            unit: 'the runs under way have saved',
            resume: 'the same command goes on',
          });
          try {
            const sweep = readSweep(file);
            const { signal } = interrupt;
            const program = [...process.execArgv, process.argv[1] as string];
            const summary = await runSweep(sweep, { runs, jobs, program, signal }, reporter);
            const problems = Object.entries(summary.failed).map(([name, words]) => `${name} (${words})`);
            if (problems.length > 0)
              throw userError(`Of the sweep ${sweep.name} failed: ${problems.join('; ')}.`);
            if (signal.aborted) {
              reporter.say(
                `Stopped with ${summary.complete.length} runs complete; the same command goes on.`,
              );
              return summary;
            }
            const out = join(summary.folder, 'report.html');
            await writeReport([summary.folder], { out, baseline: sweep.baseline }, reporter);
            return { ...summary, report: out };
          } finally {
            interrupt.release();
          }
        }),
    );
}
