/** The built-in optimizer: AdamW for every leaf, or Muon for matrices chosen by name, each leaf with the options of its group. */
import { flatten, mapTree, paths, tidyTree, unflatten } from '@ahpa/ops';
import type { Optimizer, Tree } from '@ahpa/ports';
import * as tf from '@tensorflow/tfjs-core';
import {
  ADAMW,
  type AdamState,
  type AdamWOptions,
  type AdamWScalars,
  adamwLeaf,
  adamwScalars,
} from './adamw.ts';
import { type MuonOptions, type MuonScalars, muonLeaf } from './muon.ts';

/** Options of the leaves whose dotted path matches `match` (`*` for any run of characters); the first group that matches counts. */
export interface ParamGroup {
  readonly match: string;
  /** Factor of the learning rate; default 1. */
  readonly learningRate?: number;
  /** In place of the common one; `null` or absent: the common one. */
  readonly weightDecay?: number | null;
}

/** AdamW's options, default REPA's, and groups of leaves with other options. */
export interface OptimizerOptions extends Partial<AdamWOptions> {
  /** Absent or `null`: AdamW for every leaf. Weight decay is AdamW's in both. */
  readonly muon?: MuonOptions | null;
  readonly groups?: readonly ParamGroup[];
}

type Settings = AdamWOptions & {
  readonly muon: MuonOptions | null;
  readonly groups: readonly ParamGroup[];
};

/**
 * AdamW (Loshchilov and Hutter 2019; torch.optim.AdamW), with Muon where it is asked for. Its state holds first and second moments; leaves of
 * Muon have a scalar in place of the second one. `init` rejects a pattern without a leaf (RangeError).
 */
export function optimizer(options: OptimizerOptions = {}): Optimizer {
  const settings: Settings = { ...ADAMW, muon: null, groups: [], ...options };
  return {
    init: (params) =>
      tidyTree(() => {
        assertMatches(settings, params);
        const second = (leaf: tf.Tensor, path: string): tf.Tensor =>
          usesMuon(settings, leaf, path) ? tf.scalar(0) : tf.zerosLike(leaf);
        return { m: mapTree(tf.zerosLike, params), v: mapTree(second, params) };
      }),
    update: (params, grads, state, step, lr, applied) =>
      tidyTree(() => {
        const scalars = groupScalars(settings, step, lr, applied);
        const moments = state as AdamState;
        const [g, m, v] = [flatten(grads), flatten(moments.m), flatten(moments.v)];
        const names = paths(params);
        const next = flatten(params).map((param, i): [tf.Tensor, tf.Tensor, tf.Tensor] => {
          const path = names[i] as string;
          const [grad, first, second] = [g[i], m[i], v[i]] as [tf.Tensor, tf.Tensor, tf.Tensor];
          const group = scalars(path);
          if (!usesMuon(settings, param, path)) return adamwLeaf(param, first, second, grad, group.adamw());
          const moved = muonLeaf(param, first, grad, group.muon(), (settings.muon as MuonOptions).momentum);
          return [...moved, tf.clone(second)];
        });
        const column = (k: 0 | 1 | 2): typeof params =>
          unflatten(
            params,
            next.map((leaf) => leaf[k]),
          );
        return { params: column(0), state: { m: column(1), v: column(2) } };
      }),
  };
}

/** Whether a dotted path matches a pattern, in which `*` stands for any run of characters. */
export function matchesPath(pattern: string, path: string): boolean {
  const literal = pattern.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${literal.join('.*')}$`).test(path);
}

function usesMuon({ muon }: Settings, leaf: tf.Tensor, path: string): boolean {
  return leaf.rank === 2 && muon?.match.some((pattern) => matchesPath(pattern, path)) === true;
}

/** The scalars of the group of a path, made once for each pair of rate and decay. */
function groupScalars(
  { muon, groups, ...common }: Settings,
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
    const learningRate = group?.learningRate ?? 1;
    const weightDecay = group?.weightDecay ?? common.weightDecay;
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

function assertMatches({ muon, groups }: Settings, params: Tree): void {
  const names = paths(params);
  for (const pattern of [...(muon?.match ?? []), ...groups.map(({ match }) => match)]) {
    if (names.some((name) => matchesPath(pattern, name))) continue;
    throw new RangeError(
      `optimizer: no parameter matches "${pattern}"; parameters have names like ${names[0]} and ${names.at(-1)}.`,
    );
  }
}
