/**
 * AHPA: hidden tokens are projected once for each group of VAE features, and a router of the time weighs the groups.
 *   w_n = R(t_n)                                    weights of the groups, of the image or of each of its tokens
 *   d_g,n,k = 1 - cos(P_g(h_n)_k, F_g,n,k)          distance of token k, mean over the depths of the group
 *   L = mean_n sum_g w_n,g mean_k r_n,k d_g,n,k + penalty(w)            mix: loss (or gate, with w in (0, 1) each)
 *   L = mean_n mean_k r_n,k (1 - cos(P(h_n)_k, sum_g w_n,g M_g F_g,n,k)) + penalty(w)                  mix: target
 */
import type { Alignment, AlignmentSpec, RouterFactory, Tree } from '@ahpa/ports';
import * as tf from '@tensorflow/tfjs-core';
import { completeAlignment } from '../complete.ts';
import { type HeadsParams, initHeads } from '../heads.ts';
import { defineAlignment } from '../kind.ts';
import { weightSchedule } from '../weight-schedule.ts';
import { applyMaps, commonWidth, initMaps, normalizeTargets } from './ahpa-maps.ts';
import { groupMetrics, routeMetrics } from './ahpa-metrics.ts';
import { lossMix, targetMix } from './ahpa-mix.ts';
import { type AhpaOptions, ahpaOptions, ahpaProblems } from './ahpa-options.ts';
import { ahpaDepths, ahpaTerms, groupDistances } from './ahpa-terms.ts';
import { project, projection } from './projection.ts';
import type { GroupTargets } from './single.ts';

/** The trained part of AHPA; dropped at export. */
type Params = { readonly projectors: HeadsParams; readonly router: Tree };

/** The state: the router's, and the fixed maps M_g of the target mix. */
type State = { readonly router: Tree; readonly maps: readonly tf.Tensor2D[] };

/** AHPA (arXiv 2605.03317), reconstructed: docs/method.md lists the choices. */
export const ahpa = defineAlignment({
  kind: 'ahpa',
  label: 'Groups of features of the VAE encoder, weighted by a router of the time; AHPA.',
  caveat:
    'AHPA is reconstructed from its abstract; an independent study found no gain of it over plain SiT-B/2.',
  options: ahpaOptions,
  routed: true,
  taps: (options, encoderDepth) => ({ depths: ahpaDepths(options, encoderDepth), attention: [] }),
  targets: ({ groups }) => ({ groups }),
  problems: ahpaProblems,
  weight: weightSchedule,
  create: (options, spec, router) => {
    if (router === undefined) throw new RangeError('ahpa: got no router; pass one as the third argument.');
    return createAhpa(options, spec, router);
  },
});

function createAhpa(options: AhpaOptions, spec: AlignmentSpec, factory: RouterFactory): Alignment {
  const { groups, hiddenSize, encoderDepth } = spec;
  const { residual, mix } = options;
  const oneTarget = mix === 'target';
  const form = mix === 'gate' ? 'gates' : 'softmax';
  const router = factory.create({ ...spec, groups: groups.map(({ name }) => name), form });
  const terms = ahpaTerms(options, spec);
  const main = ahpaDepths(options, encoderDepth).indexOf(encoderDepth);
  const outs = oneTarget ? [commonWidth(groups)] : terms.map(({ out }) => out);
  const heads = projection(options.head, hiddenSize, outs);
  const oneInput = oneTarget || options.head.kind === 'shared';
  return completeAlignment<Params, GroupTargets, State>({
    init: (rng) => ({ projectors: initHeads(heads, rng, 'projectors'), router: router.init(rng) }),
    initState: (rng) => ({ router: router.initState(), maps: oneTarget ? initMaps(groups, rng) : [] }),
    targets({ targets, state }) {
      const normal = targets.map((tokens) => normalizeTargets(tokens, options.targetNorm));
      return oneTarget ? applyMaps(normal, state.maps) : normal;
    },
    loss(params, { hidden, branch }, { t, step, targets, state }) {
      const inputs = { t, step, state: state.router, tokens: hidden[main] as tf.Tensor3D };
      const { weights, penalty, metrics } = router.route(params.router, inputs);
      const readTokens = (i: number): tf.Tensor3D =>
        oneInput ? inputs.tokens : branch(terms[i]?.name as string, terms[i]?.tap as number);
      const projected = project(params.projectors, readTokens, heads);
      const { loss, perGroup } = oneTarget
        ? targetMix(projected[0] as tf.Tensor3D, targets, weights, residual)
        : lossMix(
            groupDistances(terms, projected, targets, options.distance),
            weights,
            residual,
            (distances) => router.normalizer?.(distances, inputs),
          );
      return {
        loss: penalty === undefined ? loss : (tf.add(loss, penalty) as tf.Scalar),
        distance: tf.mean(perGroup) as tf.Scalar,
        observed: router.observe(perGroup, t, weights),
        metrics: {
          ...groupMetrics(groups, perGroup, t),
          ...routeMetrics(router, params.router, inputs, weights),
          ...metrics,
        },
      };
    },
    update: (state, observations) => ({ ...state, router: router.update(state.router, observations) }),
  });
}
