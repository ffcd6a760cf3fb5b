/** `ahpa inspect`: model family, sizes, missing and unexpected tensors of a weights file, or the feature maps of a VAE. */
import { CONVENTIONS } from '@ahpa/dit-core';
import { localPath } from '@ahpa/hub-files';
import { describeClasses } from '@ahpa/messages';
import { type Inspection, inspectModelFile, type KnownSizes, type Recognised } from '@ahpa/sit-models';
import { Command, Option } from 'commander';
import { readExportedFolder } from '../models/ahpa-format.ts';
import { describeVae, inspectVae, isVae } from '../models/inspect-vae.ts';
import { type LoadOptions, weightsPath } from '../models/load-model.ts';
import { CLASSES_HELP, count, nonNegative } from './numbers.ts';
import { perform } from './perform.ts';
import type { Reporter } from './reporter.ts';
import { withStep } from './sampling-options.ts';

interface VaeOptions {
  readonly size: number;
  readonly grid: number;
  readonly decoder?: string;
  readonly scale?: number;
}

/** The command. */
export function inspectCommand(): Command {
  return withStep(new Command('inspect'))
    .description(
      'check a checkpoint, weights file or VAE: model family, sizes, missing and unexpected tensors',
    )
    .argument(
      '<file>',
      'a run, a .safetensors or PyTorch file, or a folder of an exported model or of diffusers',
    )
    .addOption(
      new Option('--from <convention>', 'weight convention, where it cannot be detected').choices(
        CONVENTIONS,
      ),
    )
    .option('--heads <count>', 'attention heads, where the width leaves them open', count)
    .option('--latent-size <pixels>', 'side of the latent, where there is no pos_embed', count)
    .option('--classes <count>', CLASSES_HELP, count)
    .option('--size <pixels>', 'side of the images of a VAE', count, 256)
    .option('--grid <tokens>', 'side of the token grid of a VAE', count, 16)
    .option('--decoder <file>', 'second weights file of a VAE, where there are two')
    .option('--scale <factor>', 'factor of the latents of a VAE without config.json', nonNegative)
    .action((place: string, options: KnownSizes & VaeOptions & LoadOptions, command: Command) =>
      perform(command, async (reporter) => {
        const file = await weightsPath(place, options, reporter);
        if (options.decoder || (await isVae(await localPath(file, reporter)))) {
          const { size, grid, decoder, scale } = options;
          const choice = {
            kind: 'file',
            path: file,
            decoder: decoder ?? null,
            scale: scale ?? null,
          } as const;
          const found = await inspectVae(choice, size, grid, reporter);
          reporter.print(...describeVae(found, size, grid));
          return found;
        }
        const found = await inspectModelFile(file, { ...options, readOwnFolder: readExportedFolder });
        describe(found, reporter);
        if (found.problems.length > 0) process.exitCode = 1;
        return found;
      }),
    );
}

function describe(
  {
    file,
    kind,
    step,
    args = {},
    moments,
    tensors,
    values,
    bytes,
    metadata,
    networks,
    unread = [],
    problems,
  }: Inspection,
  reporter: Reporter,
): void {
  const { print, warn } = reporter;
  const verdict = problems.length > 0 ? 'does not fit its network' : 'undamaged as far as it can tell';
  print(`${file}: ${kind}${step === undefined ? '' : ` of step ${step}`}, ${verdict}`);
  print(`${tensors} tensors, ${(bytes / 1e6).toFixed(1)} MB`);
  for (const [part, size] of Object.entries(values))
    print(`  ${part.padEnd(16)} ${size.toLocaleString('en')} values`);
  for (const [part, network] of Object.entries(networks)) describeNetwork(part, network, reporter);
  print(`  ${moments === undefined ? 'no moments of an optimizer' : `moments of ${moments} parameters`}`);
  if (Object.keys(args).length > 0) print('arguments:');
  for (const [name, value] of Object.entries(args)) print(`  ${name}: ${value}`);
  if (unread.length > 0) print('not read:');
  for (const line of unread) print(`  ${line}`);
  for (const problem of problems) warn(`  ${problem}`);
  const { classes, counts, ...others } = metadata;
  if (isNames(classes)) print(`  ${describeClasses(classes, isCounts(counts) ? counts : undefined)}`);
  print(...JSON.stringify(isNames(classes) ? others : metadata, null, 2).split('\n'));
}

const isNames = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((name) => typeof name === 'string');

const isCounts = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((count) => typeof count === 'number');

function describeNetwork(
  part: string,
  { kind, size, prefix, network, parameters, gmacs, heads }: Recognised,
  { print }: Reporter,
): void {
  const { latentSize, latentChannels, patchSize, hiddenSize, depth, classes, qkNorm, learnSigma } = network;
  const extras = [
    ...(network.hasNullClass === false ? ['no null class'] : []),
    ...(qkNorm ? ['qk-norm'] : []),
    ...(learnSigma ? [`${2 * latentChannels} output channels`] : []),
  ];
  print(`${part === '' ? '' : `${part}: `}${kind}${size ? `, ${size}` : ''}`);
  print(
    `  latent ${latentSize} x ${latentSize} x ${latentChannels}, patch ${patchSize}, width ${hiddenSize}, depth ${depth}, ${network.heads} heads, ${classes} classes${extras.map((extra) => `, ${extra}`).join('')}`,
  );
  print(`  ${parameters.toLocaleString('en')} parameters, ${gmacs.toFixed(2)} GMACs an image`);
  if (prefix !== undefined) print(`  the names of its tensors begin with "${prefix}"`);
  if (heads.length > 0) print(`  alignment heads: ${heads.join(', ')}`);
}
