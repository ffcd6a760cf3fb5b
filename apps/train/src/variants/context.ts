/** What an alignment is built for: the network's sizes, its taps and the groups of targets. */

import type { HeadsKind } from '@ahpa/alignment-losses';
import { type DiTConfig, tokenCount } from '@ahpa/dit-core';
import type { Path } from '@ahpa/ports';
import type { TrainConfig } from '../config/types.ts';
import type { AlignmentConfig, HeadChoice } from '../config/types-alignment.ts';

/** A group of target features: its name, the width of its tokens, and how many an image has. */
export interface FeatureGroup {
  readonly name: string;
  readonly width: number;
  readonly tokens: number;
}

/** The network and the data that an alignment is built for. */
export interface AlignmentContext {
  readonly hiddenSize: number;
  /** Hidden tokens of an image. */
  readonly tokens: number;
  readonly patchSize: number;
  /** Width of the latent cut into patches. */
  readonly latentWidth: number;
  /** `model.encoderDepth`. */
  readonly encoderDepth: number;
  readonly path: Path;
  readonly seed: number;
  /** Targets as batches hold them, in order; groups of VAE features finest first. */
  readonly groups: readonly FeatureGroup[];
}

/** What the alignment of a configuration is built for; `groups` are the targets of every batch, in order. */
export function alignmentContext(
  { model, interpolant, train }: TrainConfig,
  network: DiTConfig,
  groups: readonly FeatureGroup[],
): AlignmentContext {
  const { hiddenSize, patchSize, latentChannels } = network;
  return {
    hiddenSize,
    tokens: tokenCount(network),
    patchSize,
    latentWidth: latentChannels * patchSize ** 2,
    encoderDepth: model.encoderDepth,
    path: interpolant.path,
    seed: train.seed,
    groups,
  };
}

/** What of the network an alignment looks at: blocks counted from 1, ascending, and attention of blocks counted from 0. */
export interface Taps {
  readonly depths: readonly number[];
  readonly attention: readonly number[];
}

/** The taps of a configuration; those of `AlignmentContext` in the order in which the network shows them. */
export function tapsOf(alignment: AlignmentConfig, encoderDepth: number): Taps {
  const sorted = (depths: readonly number[]): number[] => [...new Set(depths)].sort((a, b) => a - b);
  switch (alignment.kind) {
    case 'none':
      return { depths: [], attention: [] };
    case 'ahpa':
      return { depths: sorted([encoderDepth, ...Object.values(alignment.depths).flat()]), attention: [] };
    case 'sra':
      return { depths: sorted([encoderDepth, alignment.teacherDepth]), attention: [] };
    case 'haste':
      return { depths: [encoderDepth], attention: sorted(alignment.attention.blocks) };
    default:
      return { depths: [encoderDepth], attention: [] };
  }
}

/** The heads that a configuration means for a network of width `hiddenSize`. */
export function headKind(choice: HeadChoice, hiddenSize: number): HeadsKind {
  if (choice.kind !== 'mlp' && choice.kind !== 'shared') return choice;
  return { ...choice, hidden: choice.hidden ?? 2 * hiddenSize };
}
