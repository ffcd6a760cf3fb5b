/** The training step that is measured: SiT with AHPA's recipe, or with the denoising loss alone. */
import { type AlignmentParts, ahpa, assembleAlignment, none } from '@ahpa/alignment-losses';
import { alignmentShape, type DiTConfig, type DiTParams, interpolant, sitDenoiser } from '@ahpa/dit-core';
import { learned, routerFactory } from '@ahpa/dynamic-router';
import { philox } from '@ahpa/ops';
import type { AlignmentSpec } from '@ahpa/ports';
import { optimizer, type StepOptions, type TrainDeps } from '@ahpa/trainer';
import { SHAPE, type StepSpec, specGroups, stepNetwork } from './step-spec.ts';

/** Options of the step: those of AHPA's recipe. */
export const STEP_OPTIONS: StepOptions = {
  time: { sampling: 'uniform' },
  optim: { learningRate: 2e-4, maxGradNorm: 2 },
  ema: [{ decay: 0.9999 }],
  labelDropout: 0.1,
  nullClass: SHAPE.classes,
};

/** The parts of the training step of a spec. */
export function stepParts(spec: StepSpec): TrainDeps<DiTParams> {
  const network = stepNetwork(spec);
  const { taps, ...aligned } = alignmentParts(spec, network);
  return {
    denoiser: sitDenoiser(network, taps),
    interpolant: interpolant('linear'),
    ...aligned,
    optimizer: optimizer(),
    rng: philox(0),
  };
}

function alignmentParts(spec: StepSpec, network: DiTConfig): AlignmentParts {
  const shape = alignmentShape(network);
  const target: AlignmentSpec = {
    ...shape,
    encoderDepth: spec.tap,
    path: 'linear',
    seed: 0,
    groups: specGroups(spec).map((group) => ({ ...group, tokens: shape.tokens })),
  };
  if (spec.align === 'none') return assembleAlignment(none, {}, target);
  const head = { kind: 'mlp', hidden: spec.headHidden } as const;
  return assembleAlignment(ahpa, { head }, target, routerFactory(learned, {}));
}
