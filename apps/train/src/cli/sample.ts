/** `ahpa sample`: draws a grid of images with a trained model. */
import { Command } from 'commander';
import { count } from './numbers.ts';
import { perform } from './perform.ts';
import {
  namedModel,
  type SamplingOptions,
  samplerOptions,
  withModel,
  withSampler,
} from './sampling-options.ts';

interface SampleOptions extends SamplingOptions {
  readonly class?: string;
  readonly n?: number;
  readonly out: string;
}

/** The command. */
export function sampleCommand(): Command {
  return withSampler(withModel(new Command('sample')))
    .description('draw a grid of images with a trained model')
    .option(
      '--class <class>',
      'name or index of a class, or all (default: as in the sample grids of the run)',
    )
    .option('--n <count>', 'images of each class (default: as in those grids, 8)', count)
    .option('--out <file>', 'picture to write: .png, .jpg or .webp', 'grid.png')
    .action((options: SampleOptions, command: Command) =>
      perform(command, async (reporter) => {
        const { sampleRun } = await import('../sampling/sample-run.ts');
        const request = { ...options, model: namedModel(options), sample: samplerOptions(options) };
        const result = await sampleRun(request, reporter);
        const from = result.step === undefined ? result.source : `step ${result.step}`;
        reporter.print(`Drew ${result.images} images from ${from} into ${result.out}.`);
        return result;
      }),
    );
}
