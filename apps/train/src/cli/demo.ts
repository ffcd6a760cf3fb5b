/** `ahpa demo`: training at a size for two CPU cores. */
import { join } from 'node:path';
import { Command } from 'commander';
import { differences, isFree } from '../config/changes.ts';
import type { TrainConfig } from '../config/types.ts';
import { isComplete, readRunConfig, runFolder } from '../records/folder.ts';
import { type ConfigOptions, resolveConfig, withTraining } from './config-options.ts';
import { perform } from './perform.ts';
import { trainInto } from './train.ts';

/** The command. */
export function demoCommand(): Command {
  return withTraining(new Command('demo'))
    .description(
      'train AHPA on emoji for about five minutes; continues an interrupted demo, else starts another',
    )
    .action((options: ConfigOptions & { readonly runs: string }, command: Command) =>
      perform(command, async (reporter) => {
        const config = resolveConfig(options, reporter, { names: ['demo'] });
        return trainInto(await demoFolder(options.runs, config), config, reporter);
      }),
    );
}

/** The first of demo, demo-2, demo-3 ... that is new, or is unfinished and of the same configuration. */
export async function demoFolder(runs: string, config: TrainConfig): Promise<string> {
  for (let number = 1; ; number++) {
    const root = join(runs, number === 1 ? 'demo' : `demo-${number}`);
    const folder = runFolder(root);
    const previous = await readRunConfig(folder);
    if (previous === undefined) return root;
    const complete = await isComplete(folder, previous.train.steps);
    const bearing = differences(previous, config).filter(({ key }) => !isFree(key));
    if (!complete && bearing.length === 0) return root;
  }
}
