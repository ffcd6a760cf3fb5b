/** `ahpa doctor`: says what there is to compute with, and what is missing. */
import { Command } from 'commander';
import { perform } from './perform.ts';

/** The command. */
export function doctorCommand(): Command {
  return new Command('doctor')
    .description(
      'examine Node, the library and the devices; exit code 1 where something asked for is missing',
    )
    .option('--gpu', 'a GPU must be there')
    .action(({ gpu = false }: { readonly gpu?: boolean }, command: Command) =>
      perform(command, async (reporter) => {
        const { doctor, formatDoctor } = await import('@ahpa/libtensorflow');
        const report = await doctor(gpu ? { device: 'gpu' } : {});
        reporter.say(formatDoctor(report));
        if (!report.ok) process.exitCode = 1;
        return report;
      }),
    );
}
