/** `ahpa convert`: weights of SiT, DiT, REPA and diffusers in, and out again. */
import { Command, Option } from 'commander';
import { type ConvertRequest, FORMS } from '../weights/convert.ts';
import { count } from './numbers.ts';
import { perform } from './perform.ts';

/** The command. */
export function convertCommand(): Command {
  return new Command('convert')
    .description('translate the weights of a network between SiT, DiT, REPA, diffusers and this program')
    .argument(
      '<input>',
      'a .pt or .safetensors file, a folder of diffusers, or a run, checkpoint or exported folder',
    )
    .argument('<output>', 'a .safetensors file, or a folder')
    .addOption(
      new Option('--from <whose>', 'whose weights they are, where the file does not tell').choices(
        FORMS.slice(0, 3),
      ),
    )
    .addOption(
      new Option(
        '--to <form>',
        "what to write (default: the source's own names in a file, ahpa in a folder)",
      ).choices(FORMS),
    )
    .option(
      '--part <name>',
      'entry of a training checkpoint: model, ema, or all with the moments (default: ema)',
    )
    .option('--heads <count>', 'attention heads, where the width does not tell', count)
    .option('--latent-size <pixels>', 'side of the latent, where no pos_embed tells', count)
    .option('--drop-unknown', 'leave tensors out that belong to no known network')
    .option('--vae <folder>', 'VAE of a folder of this program, as seen from there', 'vae')
    .option('--runs <folder>', 'folder of the runs', 'runs')
    .option('--ema <average>', 'which average of a run (default: the first)')
    .action(
      (input: string, output: string, options: Omit<ConvertRequest, 'input' | 'output'>, command: Command) =>
        perform(command, async (reporter) => {
          const { convert } = await import('../weights/convert.ts');
          const result = await convert({ ...options, input, output }, reporter);
          for (const name of result.left) reporter.warn(`left out: ${name}`);
          const { network, parameters } = result;
          reporter.say(
            `Wrote ${output}: ${parameters.toLocaleString('en')} parameters, depth ${network.depth}, width ${network.hiddenSize}, convention ${network.convention}.`,
          );
          return result;
        }),
    );
}
