/** The config of a VAE from the shapes of its weights, for files that come without a `config.json`. */
import type { KlVaeConfig, LatentScaling, TinyVaeConfig, VaeConfig } from './config.ts';
import { diffusersEntries, hasTinyKeys } from './keys.ts';

/** Properties that shapes do not determine. */
export interface VaeHints extends LatentScaling {
  /** Groups of the normalizations of an AutoencoderKL; default 32, as in all published ones. */
  readonly normNumGroups?: number;
}

/** Shapes in PyTorch layout by diffusers key. */
type Shapes = ReadonlyMap<string, readonly number[]>;

/** The first two lengths of a tensor: of a convolution, its channels out and in. */
function channels(shapes: Shapes, key: string): readonly [out: number, from: number] {
  const [out, from] = shapes.get(key) ?? [];
  if (out === undefined || from === undefined) {
    throw new Error(
      `inferVaeConfig: the weights have no convolution ${key}, wanted a whole AutoencoderKL or AutoencoderTiny.`,
    );
  }
  return [out, from];
}

/** Number of consecutive i = 0, 1, 2, ... that have a key. */
function countWhile(shapes: Shapes, toKey: (i: number) => string): number {
  let i = 0;
  while (shapes.has(toKey(i))) i++;
  return i;
}

function inferKl(shapes: Shapes, { normNumGroups = 32, ...scaling }: VaeHints): KlVaeConfig {
  const first = (level: number): string => `encoder.down_blocks.${level}.resnets.0.conv2.weight`;
  const levels = Math.max(1, countWhile(shapes, first)); // at least one, so that its absence is named
  return {
    inChannels: 3,
    blockOutChannels: Array.from({ length: levels }, (_, level) => channels(shapes, first(level))[0]),
    layersPerBlock: countWhile(shapes, (j) => `encoder.down_blocks.0.resnets.${j}.conv1.weight`),
    latentChannels: channels(shapes, 'decoder.conv_in.weight')[1],
    normNumGroups,
    midBlockAttention: shapes.has('encoder.mid_block.attentions.0.group_norm.weight'),
    ...(shapes.has('quant_conv.weight') ? {} : { quantConv: false }),
    ...scaling,
  };
}

/** Numbers of blocks between the convolutions of one half, in order. */
function blockRuns(shapes: Shapes, half: string): readonly number[] {
  const key = /^(?:en|de)coder\.layers\.(\d+)\.(conv\.0\.)?weight$/;
  const layers = [...shapes.keys()].flatMap((name) => {
    const [, position, inner] = name.startsWith(half) ? (key.exec(name) ?? []) : [];
    return position === undefined ? [] : [{ position: Number(position), isBlock: inner !== undefined }];
  });
  const runs: number[] = [];
  for (const { isBlock } of layers.sort((a, b) => a.position - b.position)) {
    if (isBlock) runs[runs.length - 1] = (runs[runs.length - 1] ?? 0) + 1;
    else runs.push(0);
  }
  return runs.slice(0, -1);
}

function inferTiny(shapes: Shapes, { normNumGroups: _, ...scaling }: VaeHints): TinyVaeConfig {
  const [width] = channels(shapes, 'encoder.layers.0.weight');
  const encoderBlocks = blockRuns(shapes, 'encoder');
  return {
    kind: 'tiny',
    inChannels: 3,
    blockOutChannels: encoderBlocks.map(() => width),
    latentChannels: channels(shapes, 'decoder.layers.0.weight')[1],
    encoderBlocks,
    decoderBlocks: blockRuns(shapes, 'decoder'),
    globalBranch: [...shapes.keys()].some((key) => key.includes('.pool.')),
    ...scaling,
  };
}

/**
 * The config of weights by the shapes of a state dict in PyTorch layout, under any names that `loadVaeParams` accepts. The scaling
 * of latents (`hints`) is not in the weights: SD and SDXL differ in nothing else.
 * @throws Error where a weight of the VAE is missing or its sizes are not supported
 */
export function inferVaeConfig(
  tensors: Readonly<Record<string, { readonly shape: readonly number[] }>>,
  hints: VaeHints,
): VaeConfig {
  const entries = diffusersEntries(tensors);
  const shapes = new Map([...entries].map(([name, [, { shape }]]) => [name, shape]));
  return hasTinyKeys([...shapes.keys()]) ? inferTiny(shapes, hints) : inferKl(shapes, hints);
}
