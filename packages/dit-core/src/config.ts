/** Configuration of a SiT: sizes, published presets and validation. */

/**
 * 'repa': ours. 'sit': SiT's own networks, t = 1 is data and the velocity data - noise, so v(x, t) = -net(x, 1 - t).
 * 'dit': DiT's networks, which read the step t of 0 to 999 and predict the noise, for the samplers 'ddpm' and 'ddim'.
 */
export type Convention = 'repa' | 'sit' | 'dit';

/** Names of the conventions. */
export const CONVENTIONS: readonly Convention[] = ['repa', 'sit', 'dit'];

/** Sizes of a SiT. */
export type DiTConfig = {
  /** Side of the square latent. */
  readonly latentSize: number;
  readonly latentChannels: number;
  /** Side of the square of latent pixels that becomes one token; divides `latentSize`. */
  readonly patchSize: number;
  /** Width D of a token; divisible by 4 and by `heads`. */
  readonly hiddenSize: number;
  readonly depth: number;
  readonly heads: number;
  /** Width of the MLP over D; 4 in every published model. */
  readonly mlpRatio: number;
  /** Number of classes; the label `classes` itself is the null class. */
  readonly classes: number;
  /** False where the class table has no row of the null class, as in training without label dropout; true where absent. */
  readonly hasNullClass?: boolean;
  /** Blocks (1-based, ascending) after which the hidden tokens are returned. */
  readonly encoderDepths: readonly number[];
  /** Blocks (counted from 0) whose attention logits are returned; default none. */
  readonly attentionTaps?: readonly number[];
  /** Queries and keys pass a LayerNorm with weights, timm's `qk_norm`. */
  readonly qkNorm?: boolean;
  /** The last layer returns 2 C channels; the second half is ignored in SiT's networks, and the range of the variance in DiT's. */
  readonly learnSigma?: boolean;
  /** Time and sign convention of the weights; default 'repa', ours. */
  readonly convention?: Convention;
  /** Keep only the input of each block for the gradient and run the block again: less memory, a third more work. */
  readonly checkpointBlocks?: boolean;
  /**
   * Independent chains (lanes) that the blocks split a batch into, where it divides the batch, so that their operations overlap;
   * default 1.
   */
  readonly lanes?: number;
};

/** Names of the published sizes, and patch size 1 beside them. */
export type SiTName = `SiT-${'S' | 'B' | 'L' | 'XL'}/${1 | 2 | 4 | 8}`;

/** Sizes fixed by a preset. */
export type SiTPreset = Pick<DiTConfig, 'depth' | 'hiddenSize' | 'heads' | 'patchSize'>;

const S: Omit<SiTPreset, 'patchSize'> = { depth: 12, hiddenSize: 384, heads: 6 };
const B: Omit<SiTPreset, 'patchSize'> = { depth: 12, hiddenSize: 768, heads: 12 };
const L: Omit<SiTPreset, 'patchSize'> = { depth: 24, hiddenSize: 1024, heads: 16 };
const XL: Omit<SiTPreset, 'patchSize'> = { depth: 28, hiddenSize: 1152, heads: 16 };

/** The presets of SiT's and REPA's model tables. */
export const SIT: Readonly<Record<SiTName, SiTPreset>> = {
  'SiT-S/1': { ...S, patchSize: 1 },
  'SiT-S/2': { ...S, patchSize: 2 },
  'SiT-S/4': { ...S, patchSize: 4 },
  'SiT-S/8': { ...S, patchSize: 8 },
  'SiT-B/1': { ...B, patchSize: 1 },
  'SiT-B/2': { ...B, patchSize: 2 },
  'SiT-B/4': { ...B, patchSize: 4 },
  'SiT-B/8': { ...B, patchSize: 8 },
  'SiT-L/1': { ...L, patchSize: 1 },
  'SiT-L/2': { ...L, patchSize: 2 },
  'SiT-L/4': { ...L, patchSize: 4 },
  'SiT-L/8': { ...L, patchSize: 8 },
  'SiT-XL/1': { ...XL, patchSize: 1 },
  'SiT-XL/2': { ...XL, patchSize: 2 },
  'SiT-XL/4': { ...XL, patchSize: 4 },
  'SiT-XL/8': { ...XL, patchSize: 8 },
};

/** Width of the hidden layer of a block's MLP. */
export function mlpWidth(config: DiTConfig): number {
  return Math.round(config.hiddenSize * config.mlpRatio);
}

/** Rows of the class table: the classes and, if there is one, the null class. */
export function classRows({ classes, hasNullClass = true }: DiTConfig): number {
  return classes + (hasNullClass ? 1 : 0);
}

/** Tokens per image. */
export function tokenCount(config: DiTConfig): number {
  return (config.latentSize / config.patchSize) ** 2;
}

/**
 * Checks a configuration.
 * @throws RangeError that names the first impossible entry
 */
export function assertConfig(config: DiTConfig): void {
  const { latentSize, patchSize, hiddenSize, heads, depth, encoderDepths } = config;
  if (latentSize % patchSize !== 0) {
    throw new RangeError(
      `DiTConfig: latentSize ${latentSize} is not a multiple of patchSize ${patchSize}; choose a patchSize that divides it.`,
    );
  }
  if (hiddenSize % 4 !== 0 || hiddenSize % heads !== 0) {
    throw new RangeError(
      `DiTConfig: hiddenSize ${hiddenSize} is not a multiple of both 4 and heads ${heads}; change one of them.`,
    );
  }
  encoderDepths.forEach((tap, index) => {
    const previous = index === 0 ? 0 : (encoderDepths[index - 1] as number);
    if (!Number.isInteger(tap) || tap <= previous || tap > depth) {
      throw new RangeError(
        `DiTConfig: encoderDepths [${encoderDepths}] wanted ascending block numbers from 1 to depth ${depth}; correct entry ${index}.`,
      );
    }
  });
}
