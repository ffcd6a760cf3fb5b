/** Says what network a state dict holds, as far as its tensors tell, and what is wrong with it. */
import { forwardFlops, SIT, type SiTName } from '@ahpa/dit-core';
import {
  assertFinite,
  describeMisfits,
  type Known,
  type Network,
  plainNames,
  readState,
  type SitState,
} from '@ahpa/sit-weights';
import type { TensorEntry } from '@ahpa/weight-files';

/** A network in a file. */
export interface Recognised {
  /** Whose it is, in words. */
  readonly kind: string;
  /** The published size, where it is one. */
  readonly size?: SiTName;
  readonly network: Network;
  /** Trained numbers, without positions and heads. */
  readonly parameters: number;
  /** Multiply-accumulates of one evaluation for one image, in thousands of millions. */
  readonly gmacs: number;
  /** Names of alignment heads. */
  readonly heads: readonly string[];
  /** What is missing, unknown, misshapen or not finite, in words. */
  readonly problems: readonly string[];
}

type Tensors = Readonly<Record<string, TensorEntry>>;

/** Whether these are tensors of SiT's family. */
export function isFamily(tensors: Tensors): boolean {
  const names = Object.keys(tensors);
  return names.some((name) =>
    /(^|\.)x_embedder\.proj\.weight$|^transformer_blocks\.0\.attn1\.to_q\.weight$/.test(name),
  );
}

/** The network of tensors of SiT's family. Throws one sentence where neither they nor `known` tell its sizes. */
export function recognise(tensors: Tensors, known: Known & { readonly network?: Network } = {}): Recognised {
  const { state, misfits } = readState(plainNames(tensors), { convention: 'repa', ...known });
  const { network, trunk, heads } = state;
  const size = sizeName(network);
  return {
    kind: kindOf(state, known.network?.convention ?? known.convention),
    ...(size && { size }),
    network,
    parameters: Object.values(trunk).reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0),
    gmacs: forwardFlops({ ...network, encoderDepths: [] }).macs / 1e9,
    heads: Object.keys(heads),
    problems: [...describeMisfits(misfits), ...notFinite({ ...trunk, ...heads })],
  };
}

function kindOf({ names, network, heads }: SitState<TensorEntry>, convention: Known['convention']): string {
  if (names === 'diffusers') return "DiT in diffusers' names";
  if (network.learnSigma && convention === undefined) return 'SiT or DiT, its tensors do not tell which';
  if (network.learnSigma) return convention === 'dit' ? 'DiT' : 'SiT';
  return Object.keys(heads).length > 0 ? "SiT with alignment heads, in REPA's names" : "SiT in REPA's names";
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
