/** The model card: the README of an exported folder, with nothing that was not measured. */

import type { EvaluationCard } from '@ahpa/evaluation';
import { alignmentKind } from '../config/alignment.ts';
import { TRAINED } from '../config/averages.ts';
import { showDifference } from '../config/changes.ts';
import type { VaeChoice } from '../config/types.ts';
import type { TrainedModel } from '../models/trained-model.ts';
import type { Cost, ModelCost } from './cost.ts';
import type { Facts } from './facts.ts';
import type { Rights } from './licence.ts';

/** Content of a card. */
export interface CardParts {
  readonly title: string;
  readonly model: TrainedModel;
  /** The VAE as seen from the folder. */
  readonly vae: VaeChoice;
  readonly rights: Rights;
  readonly facts: Facts;
  readonly cost: ModelCost;
}

const whole = (value: number): string => value.toLocaleString('en');

/** The Markdown text. */
export function modelCard({ title, model, vae, rights, facts, cost }: CardParts): string {
  const sections = [
    header(rights.license),
    `# ${title}`,
    introduction(model),
    ...(facts.samples === undefined ? [] : [`![Samples, one row a class](samples.png)`]),
    use(model, vae),
    figures(model, facts),
    size(cost),
    `## Data\n\n${rights.data}`,
    limits(model),
    `## Licence\n\nThe weights: ${rights.license} (see [LICENSE](LICENSE)). ${
      vae.kind === 'file' && vae.path === 'vae'
        ? 'The autoencoder in `vae/` keeps its own.'
        : 'The autoencoder has its own.'
    }`,
  ];
  return `${sections.join('\n\n')}\n`;
}

const header = (license: string): string =>
  [
    '---',
    `license: ${license.toLowerCase()}`,
    'library_name: ahpa',
    'pipeline_tag: unconditional-image-generation',
    'tags: [diffusion, sit, class-conditional, ahpa]',
    '---',
  ].join('\n');

function introduction({ network, config, classes }: TrainedModel): string {
  const { depth, hiddenSize, heads, patchSize, latentSize, latentChannels } = network;
  return [
    ...(config?.description ? [`${config.description}\n`] : []),
    `A SiT diffusion transformer of ${classes.length} classes: ${depth} blocks of width ${hiddenSize} with ${heads} heads, patches`,
    `of ${patchSize}, latents of ${latentSize} x ${latentSize} x ${latentChannels}${config ? `, trained with the alignment \`${config.alignment.kind}\`: ${alignmentKind(config.alignment).label}` : '.'}`,
  ].join('\n');
}

function use({ sample }: TrainedModel, vae: VaeChoice): string {
  const decoder = vae.kind === 'file' ? `\`${vae.path}\`` : 'the package `@ahpa/emoji-vae`';
  return `## Use

\`\`\`sh
ahpa sample --model . --class all --n 8 --out grid.png
ahpa generate --model . --n 50000 --out samples.npz
\`\`\`

Both draw with the settings in \`config.json\` (${sample.sampler}, ${sample.steps} steps, guidance ${sample.guidance}) and decode
with ${decoder}. The tensors in \`model.safetensors\` have the names of SiT's and REPA's state dicts, so that
\`SiT(...).load_state_dict(safetensors.torch.load_file("model.safetensors"))\` reads them in PyTorch. Time runs from 0 (data)
to 1 (noise), and the network predicts the velocity.`;
}

function figures({ step, average, config, changes = [] }: TrainedModel, { last, cards }: Facts): string {
  const rows: [string, string][] = [];
  if (step !== undefined) rows.push(['Training steps', whole(step)]);
  rows.push(average === TRAINED ? ['Weights', 'trained, not averaged'] : ['Average of the weights', average]);
  if (config) {
    rows.push(['Batch', whole(config.train.batch)]);
    rows.push(['Learning rate', `${config.optim.learningRate}`]);
  }
  for (const change of changes) rows.push([`From step ${whole(change.step)} on`, showDifference(change)]);
  if (last) {
    rows.push(['Images seen', whole(last.images)]);
    rows.push([`Denoising loss, last ${config?.train.reportEvery ?? ''} steps`, last.denoising.toFixed(4)]);
    if (last.alignment !== undefined) rows.push(['Alignment loss', last.alignment.toFixed(4)]);
  }
  const body = table(['', ''], rows);
  const measured = cards.map(evaluation);
  const nothing = 'No figures of generated images were measured.';
  return ['## Figures', body, ...(measured.length > 0 ? measured : [nothing])].join('\n\n');
}

function evaluation({ figures: measured, n, reference, network, drawing }: EvaluationCard): string {
  const rows = Object.entries(measured).map(([name, { value }]): [string, string] => [
    name,
    value.toPrecision(5),
  ]);
  const { sampler, guidance, guidanceInterval } = drawing?.sample ?? {};
  const drawn = drawing
    ? `, drawn by ${sampler}, NFE ${drawing.nfe ?? 'adaptive'}, guidance ${guidance} in [${guidanceInterval}]`
    : '';
  return `${table(['Figure', 'Value'], rows)}

Of ${whole(n)} images${drawn}; reference ${reference.name} (SHA-256 ${reference.sha256.slice(0, 12)}), network ${network.name}
(SHA-256 ${network.sha256.slice(0, 12)}).`;
}

function size({ model, plainSit, dropped }: ModelCost): string {
  const row = (name: string, { parameters, macs }: Cost): string[] => [
    name,
    whole(parameters),
    (macs / 1e9).toFixed(4),
  ];
  const saving =
    dropped > 0
      ? `\n\nThe router and the projection heads of training (${whole(dropped)} values) are not here: drawing costs what SiT costs.`
      : '';
  const rows = [
    row('this model, counted from its tensors', model),
    row('plain SiT of this size, by formula', plainSit),
  ];
  return `## Size and cost\n\n${table(['', 'Parameters', 'GMACs a forward pass of one image'], rows)}${saving}`;
}

function limits({ config }: TrainedModel): string {
  const caveat = config && alignmentKind(config.alignment).caveat;
  return `## Limits\n\nThe model draws what its training data show and nothing else.${caveat ? ` ${caveat}` : ''}`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
