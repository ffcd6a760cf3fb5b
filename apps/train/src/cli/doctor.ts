/** `ahpa doctor`: lists the libraries and devices present, and those missing. */
import { Command } from 'commander';
import { perform } from './perform.ts';

/** The command. */
export function doctorCommand(): Command {
  return new Command('doctor')
    .description('check Node, the library and the devices; exit code 1 where a required part is missing')
    .option('--gpu', 'require a GPU')
    .action(({ gpu = false }: { readonly gpu?: boolean }, command: Command) =>
      perform(command, async (reporter) => {
        const { doctor, formatDoctor } = await import('@ahpa/libtensorflow');
        const report = await doctor(gpu ? { device: 'gpu' } : {});
        reporter.print(...formatDoctor(report).split('\n'));
        if (!report.ok) process.exitCode = 1;
        return report;
      }),
    );
}
