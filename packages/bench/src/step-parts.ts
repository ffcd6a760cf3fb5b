/** The training step that is measured: SiT with AHPA's recipe, or with the denoising loss alone. */
import { ahpa, none } from '@ahpa/alignment-losses';
import { applyDiT, type DiTConfig, type DiTParams, initDiT, interpolant, tokenCount } from '@ahpa/dit-core';
import { learned, routerFactory } from '@ahpa/dynamic-router';
import { LANES, philox } from '@ahpa/ops';
import type { Alignment, AlignmentSpec, Taps, Tree, WeightSchedule } from '@ahpa/ports';
import { optimizer, type StepOptions, type TrainDeps } from '@ahpa/trainer';
import { SHAPE, type StepSpec, specGroups, stepNetwork } from './step-spec.ts';

/** The parameters of the denoiser as a tree. */
export type Denoising = DiTParams & Tree;

/** Options of the step: those of AHPA's recipe. */
export const STEP_OPTIONS: StepOptions = {
  time: { sampling: 'uniform' },
  optim: { learningRate: 2e-4, maxGradNorm: 2 },
  ema: [{ decay: 0.9999 }],
  labelDropout: 0.1,
  nullClass: SHAPE.classes,
};

/** The parts of the training step of a spec. */
export function stepParts(spec: StepSpec): TrainDeps<Denoising> {
  const network = stepNetwork(spec);
  const { taps, alignment, weight } = alignmentParts(spec, network);
  const tapped: DiTConfig = {
    ...network,
    lanes: LANES,
    encoderDepths: taps.depths,
    attentionTaps: taps.attention,
  };
  return {
    denoiser: {
      init: (rng) => initDiT(tapped, rng) as Denoising,
      apply: (params, xt, t, y, tap) => applyDiT(params, xt, t, y, tapped, tap),
    },
    interpolant: interpolant('linear'),
    alignment,
    weight,
    optimizer: optimizer(),
    rng: philox(0),
  };
}

interface AlignmentParts {
  readonly alignment: Alignment;
  readonly weight: WeightSchedule;
  readonly taps: Taps;
}

function alignmentParts(spec: StepSpec, network: DiTConfig): AlignmentParts {
  const { hiddenSize, patchSize, latentChannels } = network;
  const tokens = tokenCount(network);
  const target: AlignmentSpec = {
    hiddenSize,
    tokens,
    patchSize,
    latentWidth: latentChannels * patchSize ** 2,
    encoderDepth: spec.tap,
    path: 'linear',
    seed: 0,
    groups: specGroups(spec).map((group) => ({ ...group, tokens })),
  };
  if (spec.align === 'none')
    return { alignment: none.create({}, target), weight: none.weight({}), taps: none.taps({}, spec.tap) };
  const options = ahpa.options.parse({ head: { kind: 'mlp', hidden: spec.headHidden } });
  const router = routerFactory(learned, learned.options.parse({}));
  return {
    alignment: ahpa.create(options, target, router),
    weight: ahpa.weight(options),
    taps: ahpa.taps(options, spec.tap),
  };
}
