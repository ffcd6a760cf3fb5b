/** `ahpa run`: extract, train, generate and evaluate in one command. */
import { Command } from 'commander';
import { type ConfigOptions, resolveConfig, withConfig, withTraining } from './config-options.ts';
import { count } from './numbers.ts';
import { perform } from './perform.ts';
import { runRoot } from './train.ts';

interface RunOptions extends ConfigOptions {
  readonly name?: string;
  readonly runs: string;
  readonly images?: string;
  readonly size: number;
  readonly ref?: string;
}

/** The command. */
export function runCommand(): Command {
  return withTraining(withConfig(new Command('run')))
    .description('extract features, train, generate and evaluate; rerun to resume')
    .option('--name <run>', 'name of the run (default: that of the last configuration)')
    .option('--images <source>', 'images to extract features from, where data.kind is cache')
    .option('--size <pixels>', 'side of the centre crop that is extracted', count, 256)
    .option('--ref <file>', 'reference of the evaluation (default: the training images)')
    .action((options: RunOptions, command: Command) =>
      perform(command, async (reporter) => {
        const [{ runExperiment }, { listenForInterrupt }, { showCard }] = await Promise.all([
          import('../experiments/experiment.ts'),
          import('../run/interrupt.ts'),
          import('@ahpa/evaluation/node'),
        ]);
        const { images, size, ref } = options;
        const request = {
          root: runRoot(options),
          size,
          command: ['ahpa', ...process.argv.slice(2)].join(' '),
          ...(images !== undefined && { images }),
          ...(ref !== undefined && { ref }),
        };
        const result = await runExperiment(resolveConfig(options, reporter), request, reporter, (words) =>
          listenForInterrupt(reporter, words),
        );
        if (result.card)
          reporter.print('', ...showCard(result.card).split('\n'), '', `The card is ${result.cardPath}.`);
        else reporter.print('Stopped; the same command goes on.');
        return result;
      }),
    );
}
