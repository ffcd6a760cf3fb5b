/** Configuration and parameters of a router. */
import type { LinearParams } from '@ahpa/ports';
import type { Condition } from './condition.ts';

/** A constant, or a straight line from `from` to `to` over the first `steps` steps. */
export type Temperature = number | { readonly from: number; readonly to: number; readonly steps: number };

/** Sizes and softness of a router. METHOD of AHPA: 4 layers; the other numbers are ours. */
export type RouterConfig = {
  /** Number of feature groups G. */
  readonly groups: number;
  /** Time features that the network reads; default those of t itself. */
  readonly condition?: Condition;
  /** Width of the features of the time; even, 256 as in the time embedding of SiT. */
  readonly frequencies: number;
  readonly hiddenSize: number;
  /** Linear layers, at least 2. */
  readonly layers: number;
  /** Divides the logits; below 1 sharpens. */
  readonly temperature: Temperature;
  /** Share of the weight that is always spread evenly, 0 to 1. */
  readonly floor: number;
  /** Number of groups with a weight (before the floor); default all. */
  readonly topK?: number;
  /** A softmax over the groups, or an independent gate in (0, 1) for each; default softmax. */
  readonly form?: 'softmax' | 'gates';
  /** Width of the hidden tokens that the network also reads, for weights per token; absent: one row of weights per image. */
  readonly tokenWidth?: number;
};

/** Linear layers under the even keys 0, 2, ... of a PyTorch `Sequential`; the odd places are SiLUs. */
export type RouterParams = { readonly net: { readonly [place: string]: LinearParams } };

/**
 * Checks a configuration.
 * @throws RangeError that names the first impossible entry
 */
export function assertConfig(config: RouterConfig): void {
  const { groups, frequencies, layers, temperature, floor, topK = groups } = config;
  const ends = typeof temperature === 'number' ? [temperature] : [temperature.from, temperature.to];
  const checks: readonly (readonly [boolean, string, number, string])[] = [
    [Number.isInteger(groups) && groups >= 1, 'groups', groups, 'a positive integer'],
    [frequencies > 0 && frequencies % 2 === 0, 'frequencies', frequencies, 'a positive even number'],
    [Number.isInteger(layers) && layers >= 2, 'layers', layers, 'an integer of at least 2'],
    ...ends.map((end) => [end > 0, 'temperature', end, 'a positive number'] as const),
    [floor >= 0 && floor <= 1, 'floor', floor, 'a number from 0 to 1'],
    [Number.isInteger(topK) && topK >= 1 && topK <= groups, 'topK', topK, `an integer from 1 to ${groups}`],
  ];
  for (const [holds, name, got, wanted] of checks) {
    if (!holds)
      throw new RangeError(`RouterConfig: ${name} is ${got}, wanted ${wanted}; correct config.${name}.`);
  }
}
