/** `ahpa replay`: repeats the step at which a run broke. */
import { Command } from 'commander';
import { perform } from './perform.ts';

/** The command. */
export function replayCommand(): Command {
  return new Command('replay')
    .description('repeat the step at which a run stopped because of non-finite numbers')
    .argument('<dump>', 'file of the run\'s folder "broken"')
    .action((dump: string, _options: unknown, command: Command) =>
      perform(command, async (reporter) => {
        const { replay } = await import('../run/broken.ts');
        const result = await replay(dump, reporter);
        const { step, batch, loss, gradNorm, reproduced } = result;
        reporter.print(
          `Step ${step + 1} on items ${batch.join(', ')}: loss ${loss}, gradient norm ${gradNorm}.`,
        );
        reporter.print(
          reproduced ? 'It is not finite here either.' : 'It is finite here: the breakage is not reproduced.',
        );
        return result;
      }),
    );
}
