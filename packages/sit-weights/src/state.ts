/**
 * Main path: a state dict of any of the published kinds becomes a network and its tensors under SiT's names, and those
 * become a state dict of any kind again. Names and shapes change, bytes do not; only `changeConvention` computes.
 */
import { DIFFUSERS_CLASS, fromDiffusers, hasDiffusersNames, toDiffusers } from './diffusers.ts';
import { describeForeign } from './foreign.ts';
import { inferNetwork, type Known } from './infer.ts';
import { isHead, plainNames, showsRepa } from './names.ts';
import { type Network, POSITIONS, trunkShapes } from './network.ts';
import { firstNonFinite, type StateDict, type StateTensor } from './tensor.ts';

/** A recognised state dict. */
export type SitState<T extends StateTensor = StateTensor> = {
  readonly names: 'sit' | 'diffusers';
  readonly network: Network;
  /** Tensors of the network under SiT's names, in PyTorch's order. */
  readonly trunk: Record<string, T>;
  /** The fixed position table [1, T, D], where the file has it. */
  readonly positions: T | undefined;
  /** Projections of alignment, which sampling does not need. */
  readonly heads: Record<string, T>;
};

/** Missing, unexpected and misshapen tensors of a state dict; all empty where it fits. */
export type Misfits = {
  readonly missing: readonly string[];
  readonly unknown: readonly string[];
  readonly misshapen: readonly string[];
};

/** Result of reading a state dict: the recognised state, and tensors that do not fit. */
export type Reading<T extends StateTensor> = { readonly state: SitState<T>; readonly misfits: Misfits };

/**
 * The state of tensors under SiT's, REPA's or diffusers' names. `network` comes from a configuration, where there is one.
 * @throws Error where the sizes of the network cannot be determined, or the tensors belong to another network
 */
export function readState<T extends StateTensor>(
  tensors: StateDict<T>,
  known: Known & { readonly network?: Network } = {},
): Reading<T> {
  const plain = plainNames(tensors);
  const diffusers = hasDiffusersNames(plain);
  const named = diffusers ? fromDiffusers(plain) : plain;
  const foreign = describeForeign(plain);
  if (foreign !== undefined) throw new Error(`The weights are those of ${foreign}.`);
  const shown = diffusers ? 'dit' : showsRepa(tensors) ? 'repa' : undefined;
  const network = known.network ?? inferNetwork(named, { ...(shown && { convention: shown }), ...known });
  const shapes = trunkShapes(network);
  const { [POSITIONS]: positions, ...rest } = named;
  const trunk: Record<string, T> = {};
  const misshapen: string[] = [];
  const wanted = (name: string, tensor: T, shape: readonly number[]): void => {
    if (tensor.shape.join() !== shape.join()) misshapen.push(`${name} [${tensor.shape}], wanted [${shape}]`);
  };
  for (const [name, shape] of shapes) {
    const tensor = rest[name];
    if (tensor === undefined) continue;
    wanted(name, tensor, shape);
    trunk[name] = tensor;
  }
  const { hiddenSize, latentSize, patchSize } = network;
  if (positions) wanted(POSITIONS, positions, [1, (latentSize / patchSize) ** 2, hiddenSize]);
  const others = Object.entries(rest).filter(([name]) => !shapes.has(name));
  return {
    state: {
      names: diffusers ? 'diffusers' : 'sit',
      network,
      trunk,
      positions,
      heads: Object.fromEntries(others.filter(([name]) => isHead(name))),
    },
    misfits: {
      missing: [...shapes.keys()].filter((name) => !(name in trunk)),
      unknown: others.flatMap(([name]) => (isHead(name) ? [] : [name])),
      misshapen,
    },
  };
}

/** One sentence for each kind of misfit. */
export function describeMisfits({ missing, unknown, misshapen }: Misfits): string[] {
  const list = (names: readonly string[]): string => names.join(', ');
  return [
    ...(missing.length > 0 ? [`missing: ${list(missing)}`] : []),
    ...(unknown.length > 0 ? [`unknown: ${list(unknown)}`] : []),
    ...(misshapen.length > 0 ? [`of another shape: ${list(misshapen)}`] : []),
  ];
}

/**
 * Checks that a state dict fits its network.
 * @throws Error that lists every missing, unexpected and misshapen tensor
 */
export function assertFits<T extends StateTensor>({ state, misfits }: Reading<T>, source: string): void {
  const problems = describeMisfits(misfits);
  if (problems.length > 0) throw new Error(`${source} does not fit its network: ${problems.join('; ')}.`);
  assertFinite(state.trunk, source);
}

/**
 * Checks all values.
 * @throws Error that names the first one that is NaN or infinite
 */
export function assertFinite(tensors: StateDict, source: string): void {
  for (const [name, tensor] of Object.entries(tensors)) {
    const found = firstNonFinite(tensor);
    if (found)
      throw new Error(
        `${source}: element ${found[0]} of ${name} is ${found[1]}, wanted finite numbers; take an earlier checkpoint.`,
      );
  }
}

/**
 * The tensors of a state under the names of `kind`: 'sit' for SiT, DiT and REPA, whose files also hold positions and may
 * hold heads, or 'diffusers', which has a class for DiT's convention alone.
 * @throws Error where diffusers does not support the network
 */
export function writeState<T extends StateTensor>(
  { network, trunk, positions, heads }: SitState<T>,
  kind: SitState['names'],
): Record<string, T> {
  if (kind === 'sit') return { ...(positions ? { [POSITIONS]: positions } : {}), ...trunk, ...heads };
  if (network.convention !== 'dit') {
    throw new Error(
      `diffusers has ${DIFFUSERS_CLASS} for DiT and no class for ${network.convention} networks: choose another kind.`,
    );
  }
  if (network.hasNullClass === false) {
    throw new Error(
      `diffusers' ${DIFFUSERS_CLASS} has a null class, and the network none, as it was trained without label dropout: choose another kind.`,
    );
  }
  if (network.mlpRatio !== 4)
    throw new Error(`diffusers' ${DIFFUSERS_CLASS} has mlpRatio 4, not ${network.mlpRatio}.`);
  return toDiffusers(trunk, network.depth);
}
