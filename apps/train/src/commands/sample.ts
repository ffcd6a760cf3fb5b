/** `ahpa sample`: draws images with the averaged weights of a run. */
import { Command, Option } from 'commander';
import type { SampleRequest } from '../run/sample.ts';
import { backendOption } from './config-options.ts';
import { count, integer, nonNegative } from './numbers.ts';
import { perform } from './perform.ts';

/** The command. */
export function sampleCommand(): Command {
  return new Command('sample')
    .description('draw images with the averaged weights of the newest good checkpoint')
    .requiredOption('--run <run>', 'name of a run, or path of a run or checkpoint')
    .option('--runs <folder>', 'folder of the runs', 'runs')
    .option('--class <class>', 'name or index of a class, or all for a row of each', 'all')
    .option('--n <count>', 'images of each class', count, 8)
    .option('--out <file>', 'PNG to write', 'grid.png')
    .option('--steps <count>', 'sampler steps (default: as configured)', count)
    .option('--guidance <weight>', 'guidance weight, 1 is none (default: as configured)', nonNegative)
    .addOption(new Option('--sampler <name>', 'default: as configured').choices(['euler', 'heun', 'sde']))
    .option('--seed <number>', 'of the noise', integer, 0)
    .addOption(backendOption())
    .action((options: SampleRequest, command: Command) =>
      perform(command, async (reporter) => {
        const { sampleRun } = await import('../run/sample.ts');
        const result = await sampleRun(options, reporter);
        reporter.say(`Drew ${result.images} images from step ${result.step} into ${result.out}.`);
        return result;
      }),
    );
}
