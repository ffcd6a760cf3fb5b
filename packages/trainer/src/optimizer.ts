/** The update of a whole tree: AdamW for every leaf, or Muon for matrices that are chosen by name, each leaf by its group's numbers. */
import { flatten, mapTree, paths, tidyTree, unflatten } from '@ahpa/ops';
import type { Tree } from '@ahpa/ports';
import * as tf from '@tensorflow/tfjs-core';
import { type AdamWConfig, type AdamWScalars, adamwLeaf, adamwScalars, type Moments } from './adamw.ts';
import { type MuonConfig, type MuonScalars, muonLeaf } from './muon.ts';

/** Leaves whose dotted path matches `match` (`*` for any run of characters), and in what they differ; the first that matches counts. */
export interface ParamGroup {
  readonly match: string;
  /** Factor of the learning rate; absent: 1. */
  readonly learningRate?: number;
  /** In place of the common one. */
  readonly weightDecay?: number;
}

/** The numbers of the update. */
export interface OptimizerConfig {
  readonly adamw: AdamWConfig;
  /** Absent: AdamW for every leaf. Weight decay is AdamW's in both. */
  readonly muon?: MuonConfig;
  readonly groups?: readonly ParamGroup[];
}

/** An optimiser over trees. */
export interface Optimizer {
  /** Zero moments; a leaf that Muon moves has no second one, a scalar in its place. Throws a RangeError for a pattern without a leaf. */
  init<P extends Tree>(params: P): Moments<P>;
  /**
   * `params, grads, moments (same structure), step int32 [] (updates done before), lr [] -> new params and moments`.
   * `applied` is 1 (the default), or 0 to keep everything bit-identical; gradients must be finite either way.
   */
  update<P extends Tree>(
    params: P,
    grads: P,
    moments: Moments<P>,
    step: tf.Tensor,
    lr: tf.Tensor,
    applied?: tf.Tensor,
  ): { readonly params: P; readonly moments: Moments<P> };
}

/** The update of `config`. */
export function optimizer(config: OptimizerConfig): Optimizer {
  return {
    init: (params) =>
      tidyTree(() => {
        assertMatches(config, params);
        const second = (leaf: tf.Tensor, path: string): tf.Tensor =>
          usesMuon(config, leaf, path) ? tf.scalar(0) : tf.zerosLike(leaf);
        return { m: mapTree(tf.zerosLike, params), v: mapTree(second, params) };
      }),
    update: (params, grads, moments, step, lr, applied) =>
      tidyTree(() => {
        const scalars = scalarsOf(config, step, lr, applied ?? tf.scalar(1));
        const names = paths(params);
        const [g, m, v] = [flatten(grads), flatten(moments.m), flatten(moments.v)];
        const next = flatten(params).map((param, i): [tf.Tensor, tf.Tensor, tf.Tensor] => {
          const path = names[i] as string;
          const [grad, first, second] = [g[i], m[i], v[i]] as [tf.Tensor, tf.Tensor, tf.Tensor];
          const group = scalars(path);
          if (!usesMuon(config, param, path)) return adamwLeaf(param, first, second, grad, group.adamw());
          const moved = muonLeaf(param, first, grad, group.muon(), (config.muon as MuonConfig).momentum);
          return [...moved, tf.clone(second)];
        });
        const column = (k: 0 | 1 | 2): typeof params =>
          unflatten(
            params,
            next.map((leaf) => leaf[k]),
          );
        return { params: column(0), moments: { m: column(1), v: column(2) } };
      }),
  };
}

/** AdamW for every leaf (Loshchilov and Hutter 2019; torch.optim.AdamW). */
export const adamw = (config: AdamWConfig): Optimizer => optimizer({ adamw: config });

/** Whether a dotted path matches a pattern, in which `*` stands for any run of characters. */
export function matchesPath(pattern: string, path: string): boolean {
  const literal = pattern.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${literal.join('.*')}$`).test(path);
}

function usesMuon({ muon }: OptimizerConfig, leaf: tf.Tensor, path: string): boolean {
  return leaf.rank === 2 && muon?.match.some((pattern) => matchesPath(pattern, path)) === true;
}

/** The scalars of the group a path is in, made once for each pair of rate and decay. */
function scalarsOf(
  { adamw: common, muon, groups = [] }: OptimizerConfig,
  step: tf.Tensor,
  lr: tf.Tensor,
  applied: tf.Tensor,
): (path: string) => { adamw(): AdamWScalars; muon(): MuonScalars } {
  const adamwMade = new Map<string, AdamWScalars>();
  const muonMade = new Map<string, MuonScalars>();
  const once = <T>(made: Map<string, T>, key: string, make: () => T): T => {
    const found = made.get(key) ?? make();
    made.set(key, found);
    return found;
  };
  return (path) => {
    const group = groups.find(({ match }) => matchesPath(match, path));
    const { learningRate = 1, weightDecay = common.weightDecay } = group ?? {};
    const key = `${learningRate}/${weightDecay}`;
    const own = learningRate === 1 ? lr : tf.mul(lr, learningRate);
    return {
      adamw: () => once(adamwMade, key, () => adamwScalars({ ...common, weightDecay }, step, own, applied)),
      muon: () =>
        once(muonMade, key, () => {
          const rate = tf.mul(own, applied);
          const keep = weightDecay === 0 ? {} : { keep: tf.sub(1, tf.mul(rate, weightDecay)) };
          return { rate, momentumRate: tf.mul(applied, 1 - (muon?.momentum ?? 0)), ...keep };
        }),
    };
  };
}

function assertMatches({ muon, groups = [] }: OptimizerConfig, params: Tree): void {
  const names = paths(params);
  for (const pattern of [...(muon?.match ?? []), ...groups.map(({ match }) => match)]) {
    if (names.some((name) => matchesPath(pattern, name))) continue;
    throw new RangeError(
      `optimizer: no parameter matches "${pattern}"; parameters have names like ${names[0]} and ${names.at(-1)}.`,
    );
  }
}
