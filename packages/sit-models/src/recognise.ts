/** Recognises the network of a state dict: model family, sizes, missing and unexpected tensors. */
import { forwardFlops, SIT, type SiTName } from '@ahpa/dit-core';
import {
  assertFinite,
  describeMisfits,
  findPrefix,
  type Known,
  type Network,
  plainNames,
  readState,
  type SitState,
  showsRepa,
} from '@ahpa/sit-weights';
import type { TensorEntry } from '@ahpa/weight-files';
import { countParameters } from './tensor-counts.ts';

/** A network in a file. */
export interface Recognised {
  /** Model family, in words. */
  readonly kind: string;
  /** The published size, where it is one. */
  readonly size?: SiTName;
  /** Prefix before the names of its tensors; absent where there is none. */
  readonly prefix?: string;
  readonly network: Network;
  /** Number of trained values, without positions and heads. */
  readonly parameters: number;
  /** Multiply-accumulates of one evaluation for one image, in thousands of millions. */
  readonly gmacs: number;
  /** Names of alignment heads. */
  readonly heads: readonly string[];
  /** Missing, unexpected and misshapen tensors and values that are not finite, in words. */
  readonly problems: readonly string[];
}

type Tensors = Readonly<Record<string, TensorEntry>>;

/** Whether tensors belong to SiT's family, by their names. */
export function isFamily(tensors: Tensors): boolean {
  const names = Object.keys(tensors);
  return names.some((name) =>
    /(^|\.)x_embedder\.proj\.weight$|^transformer_blocks\.0\.attn1\.to_q\.weight$/.test(name),
  );
}

/**
 * The network of tensors of SiT's family.
 * @throws Error where neither they nor `known` determine its sizes
 */
export function recognise(tensors: Tensors, known: Known & { readonly network?: Network } = {}): Recognised {
  const { state, misfits } = readState(plainNames(tensors), { convention: 'repa', ...known });
  const { network, trunk, heads } = state;
  const size = sizeName(network);
  const prefix = findPrefix(Object.keys(tensors));
  return {
    kind: describeKind(
      state,
      known.network?.convention ?? known.convention ?? (showsRepa(tensors) ? 'repa' : undefined),
    ),
    ...(size && { size }),
    ...(prefix !== '' && { prefix }),
    network,
    parameters: countParameters(trunk),
    gmacs: forwardFlops({ ...network, encoderDepths: [] }).macs / 1e9,
    heads: Object.keys(heads),
    problems: [...describeMisfits(misfits), ...notFinite({ ...trunk, ...heads })],
  };
}

function describeKind(
  { names, network, heads }: SitState<TensorEntry>,
  convention: Known['convention'],
): string {
  if (names === 'diffusers') return "DiT in diffusers' names";
  if (network.learnSigma && convention === undefined) return 'SiT or DiT, its tensors do not tell which';
  if (network.learnSigma) return convention === 'dit' ? 'DiT' : 'SiT';
  if (Object.keys(heads).length > 0) return "SiT with alignment heads, in REPA's names";
  if (convention === 'sit') return "LightningDiT or SiT, in SiT's time";
  if (convention === undefined) return 'SiT of REPA or plain LightningDiT, its tensors do not tell which';
  return "SiT in REPA's names";
}

function sizeName(network: Network): SiTName | undefined {
  const keys = ['depth', 'hiddenSize', 'heads', 'patchSize'] as const;
  const names = Object.keys(SIT) as SiTName[];
  return names.find((name) => keys.every((key) => SIT[name][key] === network[key]));
}

function notFinite(tensors: Tensors): string[] {
  try {
    assertFinite(tensors, 'not finite');
    return [];
  } catch (error) {
    return [(error as Error).message];
  }
}
