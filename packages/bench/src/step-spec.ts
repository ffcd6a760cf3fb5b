/** The training step and the network evaluation of a benchmark, in the form that both sides read. */
import { type DiTConfig, forwardFlops, SIT, type SiTName } from '@ahpa/dit-core';

/** One side's work; the same JSON goes to the worker of this package and to `python/torch_step.py`. */
export interface StepSpec {
  readonly work: 'step';
  readonly model: StepModel;
  readonly hidden: number;
  readonly heads: number;
  readonly depth: number;
  readonly batch: number;
  /** Block, counted from 1, after which tokens are aligned. */
  readonly tap: number;
  readonly align: 'ahpa' | 'none';
  /** Widths of the feature groups: fine, mid and coarse of SD-VAE. */
  readonly groups: readonly number[];
  readonly headHidden: number;
  readonly precision: 'f32' | 'bf16';
  readonly threads: number;
}

/** Sizes that both sides build: those with patches of two. */
export type StepModel = Extract<SiTName, `${string}/2`>;

/** A 256 px image through SD-VAE, and ImageNet's classes. */
export const SHAPE = { latentSize: 32, latentChannels: 4, classes: 1000 } as const;

const GROUPS: readonly number[] = [384, 512, 512];
const GROUP_NAMES: readonly string[] = ['fine', 'mid', 'coarse'];
const ROUTER_WIDTH = 256;

/** The work of one side. */
export function stepSpec(
  options: Pick<StepSpec, 'model' | 'batch' | 'align' | 'headHidden' | 'precision' | 'threads'>,
): StepSpec {
  const { hiddenSize, heads, depth } = SIT[options.model];
  return { ...options, work: 'step', hidden: hiddenSize, heads, depth, tap: 3, groups: GROUPS };
}

/** The transformer of a spec. */
export const stepNetwork = ({ model, tap }: StepSpec): DiTConfig => ({
  ...SIT[model],
  ...SHAPE,
  mlpRatio: 4,
  encoderDepths: [tap],
});

/** The groups that are aligned with. */
export function specGroups({ align, groups }: StepSpec): { name: string; width: number }[] {
  return align === 'none' ? [] : groups.map((width, i) => ({ name: GROUP_NAMES[i] as string, width }));
}

/** Floating-point operations of one training step, three forward passes' worth; element-wise work is not counted. */
export function stepFlops(spec: StepSpec): number {
  const config = stepNetwork(spec);
  const tokens = (SHAPE.latentSize / config.patchSize) ** 2;
  const { hidden, headHidden } = spec;
  const heads = specGroups(spec).map(({ width }) => tokens * headHidden * (hidden + headHidden + width));
  const router = spec.align === 'none' ? 0 : 3 * ROUTER_WIDTH ** 2;
  const macs = forwardFlops(config).macs + heads.reduce((sum, head) => sum + head, router);
  return 3 * 2 * macs * spec.batch;
}

/** Floating-point operations of one guided network evaluation: twice the batch, forward. */
export function inferFlops(spec: StepSpec): number {
  return forwardFlops(stepNetwork(spec)).flops * 2 * spec.batch;
}
