/** `ahpa export`: a trained model as a folder to publish. */
import { Command, Option } from 'commander';
import type { ExportOptions } from '../export/export.ts';
import { perform } from './perform.ts';
import { namedModel, withModel } from './sampling-options.ts';

type ExportFlags = Omit<ExportOptions, 'model'> & { readonly run?: string; readonly model?: string };

/** The command. */
export function exportCommand(): Command {
  return withModel(new Command('export'))
    .description('write a trained model as a folder to publish: weights, config, VAE, licence, model card')
    .argument('<folder>', 'folder to make')
    .addOption(new Option('--to <form>', 'layout of the folder').choices(['hub']).default('hub'))
    .option(
      '--vae <folder>',
      'VAE that decodes; hf:org/name is named, a folder is copied (default: the one of the run)',
    )
    .option('--license <id>', "SPDX identifier of the weights' licence (optional for emoji)")
    .option('--data <text>', 'training data (optional for emoji)')
    .option('--title <text>', 'name of the model (default: that of the folder)')
    .option('--card <files...>', 'cards of ahpa evaluate to repeat, beside those in the folder of the run')
    .action((folder: string, options: ExportFlags, command: Command) =>
      perform(command, async (reporter) => {
        const { exportToHub } = await import('../export/export.ts');
        const result = await exportToHub(folder, { ...options, model: namedModel(options) }, reporter);
        const { model, dropped } = result.cost;
        reporter.print(
          `${folder} holds ${model.parameters.toLocaleString('en')} parameters; ${dropped.toLocaleString('en')} of training alone were left out.`,
        );
        return result;
      }),
    );
}
