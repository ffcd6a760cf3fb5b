/** `ahpa convert`: conversion between the formats of SiT, DiT, REPA, diffusers and this program. */
import { CONVENTIONS } from '@ahpa/dit-core';
import { type Converted, type ConvertRequest, convertModelFile, FORMS } from '@ahpa/sit-models';
import { Command, InvalidArgumentError, Option } from 'commander';
import { AHPA_FORM, ahpaFormat } from '../models/ahpa-format.ts';
import type { LoadOptions } from '../models/load-model.ts';
import { CLASSES_HELP, count } from './numbers.ts';
import { perform } from './perform.ts';
import type { Reporter } from './reporter.ts';
import { withRuns } from './sampling-options.ts';

type ConvertOptions = Omit<ConvertRequest, 'input' | 'output' | 'zeroProjectors'> &
  LoadOptions & { readonly vae: string; readonly projectors?: readonly number[] };

/** The command. */
export function convertCommand(): Command {
  return withRuns(new Command('convert'))
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
      'entry of a training checkpoint, or weights of a run: model, ema, or all with the moments (default: ema)',
    )
    .option('--heads <count>', 'attention heads, where the width leaves them open', count)
    .option('--latent-size <pixels>', 'side of the latent, where there is no pos_embed', count)
    .option('--classes <count>', CLASSES_HELP, count)
    .addOption(
      new Option(
        '--projectors <zero:widths>',
        "for --to repa: write projectors of zeros of these output widths (zero:768), as REPA's strict loading asks for",
      ).argParser(zeroWidths),
    )
    .option('--force', 'replace an output that exists')
    .option('--drop-unknown', 'leave out unexpected tensors beside the network')
    .option('--vae <folder>', 'VAE of a folder of this program, as seen from there', 'vae')
    .action((input: string, output: string, options: ConvertOptions, command: Command) =>
      perform(command, async (reporter) => {
        const { projectors, ...others } = options;
        const request = { ...others, ...(projectors && { zeroProjectors: projectors }), input, output };
        const result = await convertModelFile(request, ahpaFormat(options, reporter));
        describe(result, reporter);
        return result;
      }),
    );
}

function describe(
  { output, source, prefix, network, parameters, left, note }: Converted,
  reporter: Reporter,
): void {
  if (prefix) reporter.say(`${source}: the network is read from the tensors under "${prefix}".`);
  for (const name of left) reporter.warn(`left out: ${name}`);
  const { depth, hiddenSize, convention } = network;
  reporter.print(
    `Wrote ${output}: ${parameters.toLocaleString('en')} parameters, depth ${depth}, width ${hiddenSize}, convention ${convention}.`,
  );
  if (note !== undefined) reporter.print(note);
}

/** The output widths in `zero:768,1024`. */
function zeroWidths(text: string): readonly number[] {
  const widths = /^zero:(\d+(?:,\d+)*)$/.exec(text)?.[1]?.split(',').map(Number) ?? [];
  if (widths.length > 0 && widths.every((width) => width > 0)) return widths;
  throw new InvalidArgumentError('Wanted zero: and output widths, as in zero:768.');
}
