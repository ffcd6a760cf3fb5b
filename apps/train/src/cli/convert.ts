/** `ahpa convert`: conversion between the formats of SiT, DiT, REPA, diffusers and this program. */
import { CONVENTIONS } from '@ahpa/dit-core';
import { type ConvertRequest, convertModelFile, FORMS } from '@ahpa/sit-models';
import { Command, Option } from 'commander';
import { AHPA_FORM, ahpaFormat } from '../models/ahpa-format.ts';
import type { LoadOptions } from '../models/load-model.ts';
import { count } from './numbers.ts';
import { perform } from './perform.ts';

type ConvertOptions = Omit<ConvertRequest, 'input' | 'output'> & LoadOptions & { readonly vae: string };

/** The command. */
export function convertCommand(): Command {
  return new Command('convert')
    .description('convert the weights of a network between SiT, DiT, REPA, diffusers and this program')
    .argument(
      '<input>',
      'a .pt or .safetensors file, a folder of diffusers, or a run, checkpoint or exported folder',
    )
    .argument('<output>', 'a .safetensors file, or a folder')
    .addOption(
      new Option('--from <convention>', 'weight convention, where it cannot be detected').choices(
        CONVENTIONS,
      ),
    )
    .addOption(
      new Option(
        '--to <form>',
        "format of the output (default: the source's convention for a file, ahpa for a folder)",
      ).choices([...FORMS, AHPA_FORM]),
    )
    .option(
      '--part <name>',
      'entry of a training checkpoint: model, ema, or all with the moments (default: ema)',
    )
    .option('--heads <count>', 'attention heads, where the width leaves them open', count)
    .option('--latent-size <pixels>', 'side of the latent, where there is no pos_embed', count)
    .option('--drop-unknown', 'leave unexpected tensors out')
    .option('--vae <folder>', 'VAE of a folder of this program, as seen from there', 'vae')
    .option('--runs <folder>', 'folder of the runs', 'runs')
    .option('--ema <average>', 'average of the weights of a run (default: the first)')
    .action((input: string, output: string, options: ConvertOptions, command: Command) =>
      perform(command, async (reporter) => {
        const result = await convertModelFile({ ...options, input, output }, ahpaFormat(options, reporter));
        for (const name of result.left) reporter.warn(`left out: ${name}`);
        const { network, parameters } = result;
        reporter.say(
          `Wrote ${output}: ${parameters.toLocaleString('en')} parameters, depth ${network.depth}, width ${network.hiddenSize}, convention ${network.convention}.`,
        );
        return result;
      }),
    );
}
