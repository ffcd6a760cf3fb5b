/** Inference of a network's sizes from the tensor shapes of a state dict under SiT's names. */
import { CLASS_TABLE, type Convention, type Network, POSITIONS } from './network.ts';
import type { StateDict } from './tensor.ts';

/** Properties that the tensors do not determine, or not always. */
export type Known = {
  readonly convention?: Convention;
  readonly heads?: number;
  readonly latentSize?: number;
  /** Number of classes, without the null class. */
  readonly classes?: number;
};

/** Heads of the published widths. */
const HEADS: Readonly<Record<number, number>> = { 384: 6, 768: 12, 1024: 16, 1152: 16 };

function requireShape(tensors: StateDict, name: string, rank: number): readonly number[] {
  const tensor = tensors[name];
  if (tensor?.shape.length === rank) return tensor.shape;
  const got = tensor === undefined ? 'absent' : `of shape [${tensor.shape}]`;
  throw new Error(`The weights are not those of a SiT or DiT: ${name} is ${got}, wanted ${rank} axes.`);
}

/**
 * The network of a state dict.
 * @throws Error where neither the tensors nor `known` determine it
 */
export function inferNetwork(tensors: StateDict, known: Known = {}): Network {
  const [hiddenSize, latentChannels, patchSize] = requireShape(tensors, 'x_embedder.proj.weight', 4) as Four;
  const [rows] = requireShape(tensors, CLASS_TABLE, 2) as [number, number];
  const [wide] = requireShape(tensors, 'blocks.0.mlp.fc1.weight', 2) as [number, number];
  const [outputs] = requireShape(tensors, 'final_layer.linear.weight', 2) as [number, number];
  const channels = outputs / patchSize ** 2;
  if (channels !== latentChannels && channels !== 2 * latentChannels) {
    throw new Error(
      `final_layer.linear.weight has ${outputs} rows, wanted ${latentChannels * patchSize ** 2} or twice that, by x_embedder.proj.weight.`,
    );
  }
  const learnSigma = channels !== latentChannels;
  const norm = tensors['blocks.0.attn.q_norm.weight'];
  return {
    latentSize: inferLatentSize(tensors, patchSize, known),
    latentChannels,
    patchSize,
    hiddenSize,
    depth: countBlocks(tensors),
    heads: known.heads ?? inferHeads(hiddenSize, norm?.shape[0]),
    mlpRatio: wide / hiddenSize,
    ...inferClasses(rows, known),
    qkNorm: norm !== undefined,
    learnSigma,
    convention: known.convention ?? inferConvention(learnSigma),
  };
}

/** Rows of the class tables of ImageNet's 1,000 classes; 1,001 with the null class. */
const IMAGENET_CLASSES = 1000;

/** The classes of a class table of `rows` rows: all but the last, unless the number of classes is known to be `rows`. */
function inferClasses(rows: number, { classes }: Known): Pick<Network, 'classes' | 'hasNullClass'> {
  if (classes !== undefined && rows !== classes && rows !== classes + 1) {
    throw new Error(
      `${CLASS_TABLE} has ${rows} rows, wanted ${classes} or, with the null class, ${classes + 1}: correct the number of classes (--classes).`,
    );
  }
  return rows === (classes ?? IMAGENET_CLASSES)
    ? { classes: rows, hasNullClass: false }
    : { classes: rows - 1 };
}

type Four = readonly [number, number, number, number];

function countBlocks(tensors: StateDict): number {
  const blocks = Object.keys(tensors).map((name) => Number(/^blocks\.(\d+)\./.exec(name)?.[1] ?? -1));
  return 1 + Math.max(...blocks);
}

function inferHeads(width: number, headWidth: number | undefined): number {
  const heads = headWidth === undefined ? HEADS[width] : width / headWidth;
  if (heads !== undefined) return heads;
  throw new Error(
    `The weights do not tell the number of attention heads of width ${width}: give it (--heads).`,
  );
}

function inferLatentSize(tensors: StateDict, patchSize: number, { latentSize }: Known): number {
  const tokens = tensors[POSITIONS]?.shape[1];
  const grid = tokens === undefined ? undefined : Math.sqrt(tokens);
  if (grid !== undefined && !Number.isInteger(grid)) {
    throw new Error(`${POSITIONS} has ${tokens} tokens, wanted those of a square image; REG's are not read.`);
  }
  const size = grid === undefined ? latentSize : grid * patchSize;
  if (size !== undefined) return size;
  throw new Error(
    `The weights hold no ${POSITIONS} that tells the side of the latent: give it (--latent-size).`,
  );
}

function inferConvention(learnSigma: boolean): Convention {
  throw new Error(
    learnSigma
      ? "The last layer has twice the latent's channels, as those of SiT and of DiT have: say which it is (--from sit or --from dit)."
      : "REPA's SiT without projectors and a plain LightningDiT have the same tensors and opposite times: say which it is (--from repa, or --from sit for LightningDiT).",
  );
}
