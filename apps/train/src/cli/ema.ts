/** `ahpa ema`: an average of the weights that a run did not keep. */
import { Command } from 'commander';
import type { ReconstructRequest } from '../models/reconstruct.ts';
import { count, positive } from './numbers.ts';
import { perform } from './perform.ts';

/** The command. */
export function emaCommand(): Command {
  return new Command('ema')
    .description('reconstruct an average of the weights from the power-function averages that a run kept')
    .argument('<run>', 'name or folder of a run with ema.sigmaRel, two widths of EDM2')
    .requiredOption('--sigma <width>', 'relative width of the average to make, such as 0.15', positive)
    .option('--step <n>', 'step at which it ends (default: the newest)', count)
    .requiredOption('--out <folder>', 'model folder to write, for the --model of other commands')
    .option('--runs <folder>', 'folder of the runs', 'runs')
    .action((run: string, options: Omit<ReconstructRequest, 'run'>, command: Command) =>
      perform(command, async (reporter) => {
        const { reconstruct } = await import('../models/reconstruct.ts');
        const made = await reconstruct({ ...options, run }, reporter);
        reporter.print(
          `${made.out} holds the average of step ${made.step} with sigma ${made.sigma}, from ${made.stored} stored ones.`,
        );
        return made;
      }),
    );
}
