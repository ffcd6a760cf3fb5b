/** `ahpa replay`: repeats the step at which a run broke. */
import { resolve } from 'node:path';
import { Command } from 'commander';
import { trustModule } from '../files/trusted-modules.ts';
import { perform } from './perform.ts';

/** The command. */
export function replayCommand(): Command {
  return new Command('replay')
    .description('repeat the step at which a run stopped because of non-finite numbers')
    .argument('<dump>', 'file of the run\'s folder "broken"')
    .option('--module <path>', "file of the run's alignment.module, where another computer wrote the dump")
    .action((dump: string, { module }: { readonly module?: string }, command: Command) =>
      perform(command, async (reporter) => {
        const { replay } = await import('../run/broken.ts');
        const own = module === undefined ? undefined : resolve(module);
        if (own !== undefined) trustModule(own);
        const result = await replay(dump, reporter, own);
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
