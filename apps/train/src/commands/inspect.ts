/** `ahpa inspect`: says what a checkpoint or weights file is. */
import { Command, Option } from 'commander';
import type { Reporter } from '../report.ts';
import { type Inspection, type InspectOptions, inspect } from '../weights/inspect-file.ts';
import type { Recognised } from '../weights/recognise.ts';
import { count } from './numbers.ts';
import { perform } from './perform.ts';

/** The command. */
export function inspectCommand(): Command {
  return new Command('inspect')
    .description('say what a checkpoint, features or weights file is, and check it')
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
    .action((file: string, options: InspectOptions, command: Command) =>
      perform(command, async (reporter) => {
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
