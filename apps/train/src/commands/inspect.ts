/** `ahpa inspect`: says what a checkpoint or weights file is, or what a VAE offers. */
import { localPath } from '@ahpa/hub-files';
import { Command, Option } from 'commander';
import type { Reporter } from '../report.ts';
import { describeVae, inspectVae, isVae } from '../vae/inspect.ts';
import { type Inspection, type InspectOptions, inspect } from '../weights/inspect-file.ts';
import type { Recognised } from '../weights/recognise.ts';
import { count, nonNegative } from './numbers.ts';
import { perform } from './perform.ts';

interface VaeOptions {
  readonly size: number;
  readonly grid: number;
  readonly decoder?: string;
  readonly scale?: number;
}

/** The command. */
export function inspectCommand(): Command {
  return new Command('inspect')
    .description('say what a checkpoint, weights file or VAE is, and check it')
    .argument('<file>', 'a .safetensors or PyTorch file, or a folder of an exported model or of diffusers')
    .addOption(
      new Option('--from <whose>', 'SiT or DiT, where the tensors do not tell').choices([
        'repa',
        'sit',
        'dit',
      ]),
    )
    .option('--heads <count>', 'attention heads, where the width does not tell', count)
    .option('--latent-size <pixels>', 'side of the latent, where no pos_embed tells', count)
    .option('--size <pixels>', 'of a VAE: side of the images', count, 256)
    .option('--grid <tokens>', 'of a VAE: side of the token grid', count, 16)
    .option('--decoder <file>', 'of a VAE: second weights file, where there are two')
    .option('--scale <factor>', 'of a VAE without config.json: factor of its latents', nonNegative)
    .action((file: string, options: InspectOptions & VaeOptions, command: Command) =>
      perform(command, async (reporter) => {
        if (options.decoder || (await isVae(await localPath(file, reporter)))) {
          const { size, grid, decoder, scale } = options;
          const choice = {
            kind: 'file',
            path: file,
            decoder: decoder ?? null,
            scale: scale ?? null,
          } as const;
          const found = await inspectVae(choice, size, grid);
          describeVae(found, size, grid, reporter);
          return found;
        }
        const found = await inspect(file, options);
        describe(found, reporter);
        return found;
      }),
    );
}

function describe(
  { file, kind, step, tensors, values, bytes, metadata, networks }: Inspection,
  reporter: Reporter,
): void {
  const { say } = reporter;
  say(`${file}: ${kind}${step === undefined ? '' : ` of step ${step}`}, undamaged as far as it can tell`);
  say(`${tensors} tensors, ${(bytes / 1e6).toFixed(1)} MB`);
  for (const [part, size] of Object.entries(values))
    say(`  ${part.padEnd(16)} ${size.toLocaleString('en')} values`);
  for (const [part, network] of Object.entries(networks)) describeNetwork(part, network, reporter);
  say(JSON.stringify(metadata, null, 2));
}

function describeNetwork(
  part: string,
  { kind, size, network, parameters, gmacs, heads, problems }: Recognised,
  { say, warn }: Reporter,
): void {
  const { latentSize, latentChannels, patchSize, hiddenSize, depth, classes, qkNorm, learnSigma } = network;
  const extras = [
    ...(qkNorm ? ['qk-norm'] : []),
    ...(learnSigma ? [`${2 * latentChannels} output channels`] : []),
  ];
  say(`${part === '' ? '' : `${part}: `}${kind}${size ? `, ${size}` : ''}`);
  say(
    `  latent ${latentSize} x ${latentSize} x ${latentChannels}, patch ${patchSize}, width ${hiddenSize}, depth ${depth}, ${network.heads} heads, ${classes} classes${extras.map((extra) => `, ${extra}`).join('')}`,
  );
  say(`  ${parameters.toLocaleString('en')} parameters, ${gmacs.toFixed(2)} GMACs an image`);
  if (heads.length > 0) say(`  alignment heads: ${heads.join(', ')}`);
  for (const problem of problems) warn(`  ${problem}`);
}
