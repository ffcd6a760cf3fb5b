/** Parameters and cost of a SiT, from its configuration. */
import { assertConfig, classRows, type DiTConfig, mlpWidth, tokenCount } from './config.ts';
import { outputChannels } from './convention.ts';
import { TIME_FEATURES } from './embed.ts';

/**
 * Trained parameters of a SiT (the fixed position embedding is not counted).
 * @throws RangeError where the configuration is impossible
 */
export function parameterCount(config: DiTConfig): number {
  assertConfig(config);
  const width = config.hiddenSize;
  const patchWidth = config.latentChannels * config.patchSize ** 2;
  const linear = (inputs: number, outputs: number): number => (inputs + 1) * outputs;
  const block =
    linear(width, 3 * width) +
    linear(width, width) +
    linear(width, mlpWidth(config)) +
    linear(mlpWidth(config), width) +
    linear(width, 6 * width) +
    (config.qkNorm ? (4 * width) / config.heads : 0);
  const embedders =
    linear(patchWidth, width) +
    linear(TIME_FEATURES, width) +
    linear(width, width) +
    classRows(config) * width;
  return embedders + config.depth * block + linear(width, 2 * width) + linear(width, outputWidth(config));
}

/** Values of a token of the last layer. */
const outputWidth = (config: DiTConfig): number => outputChannels(config) * config.patchSize ** 2;

/**
 * Cost of one forward pass of one image: multiply-accumulates of all matrix products (`macs`, what SiT's paper calls
 * Gflops) and twice that (`flops`). A training step costs about three forward passes.
 * @throws RangeError where the configuration is impossible
 */
export function forwardFlops(config: DiTConfig): { readonly macs: number; readonly flops: number } {
  assertConfig(config);
  const width = config.hiddenSize;
  const tokens = tokenCount(config);
  const patchWidth = config.latentChannels * config.patchSize ** 2;
  const perToken = 4 * width * width + 2 * width * mlpWidth(config) + 2 * tokens * width;
  const block = tokens * perToken + 6 * width * width;
  const ends =
    tokens * (patchWidth + outputWidth(config)) * width + (TIME_FEATURES + width + 2 * width) * width;
  const macs = config.depth * block + ends;
  return { macs, flops: 2 * macs };
}
