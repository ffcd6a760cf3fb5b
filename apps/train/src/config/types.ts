/** The shape of a resolved configuration: every key is present. */

import type { Convention, GuidanceConfig, SampleConfig, SiTName } from '@ahpa/dit-core';
import type { EmojiSet } from '@ahpa/emoji-data/sets';
import type { Path } from '@ahpa/ports';
import type { Resize } from '@ahpa/vae-hierarchy';
import type { AlignmentConfig } from './alignment.ts';

/** What a run does; `schema.ts` says what each key means, its unit, its default and its source. */
export interface TrainConfig {
  readonly description: string;
  readonly data: DataConfig;
  readonly vae: VaeChoice;
  readonly hierarchy: HierarchyConfig;
  readonly model: ModelConfig;
  readonly alignment: AlignmentConfig;
  readonly interpolant: { readonly path: Path };
  readonly time: TimeChoice;
  readonly optim: OptimConfig;
  readonly ema: {
    readonly decay: number | readonly number[];
    readonly sigmaRel: readonly number[];
    readonly snapshotEvery: number;
  };
  readonly train: RunConfig;
  readonly sample: SampleChoice;
  readonly evaluate: EvaluateChoice;
}

/** How a run is measured while it trains. */
export interface EvaluateChoice {
  readonly every: number;
  readonly images: number;
  readonly reference: number;
  readonly inception: string | null;
  readonly sha256: string | null;
  readonly lossEvery: number;
  readonly lossImages: number;
  readonly finalImages: number;
}

/** At which times the model learns. */
export interface TimeChoice {
  readonly sampling: 'uniform' | 'lognormal' | 'logit-normal';
  readonly mean: number;
  readonly std: number;
  readonly shift: number;
}

/** How images are drawn, the numbers of every sampler together. */
export type SampleChoice = Required<GuidanceConfig> & {
  readonly sampler: SampleConfig['sampler'];
  readonly steps: number;
  readonly shift: number;
  readonly rtol: number;
  readonly atol: number;
};

/** Which images. */
export type DataConfig = EmojiData | CacheData | ImagesData | RepaData;

/** Emoji, drawn on first use. */
export interface EmojiData {
  readonly kind: 'emoji';
  readonly sets: readonly EmojiSet[];
  readonly size: number;
  readonly perClass: number | null;
  readonly holdOut: number;
}

/** A cache of features. */
export interface CacheData {
  readonly kind: 'cache';
  readonly path: string;
  readonly heldOut: string | null;
  readonly holdOut: number;
}

/** Images that are encoded in every step. */
export interface ImagesData {
  readonly kind: 'images';
  readonly path: string;
  readonly within: string | null;
  readonly heldOut: string | null;
  readonly labels: string | null;
  readonly size: number;
  readonly threads: number;
  readonly holdOut: number;
}

/** REPA's preprocessed folder. */
export interface RepaData {
  readonly kind: 'repa';
  readonly path: string;
  readonly threads: number;
  readonly holdOut: number;
}

/** How features become targets. */
export interface HierarchyConfig {
  readonly resize: Resize;
  readonly norm: 'none' | 'dataset' | 'spatial' | 'pca' | 'whiten' | 'innovation';
  readonly components: number;
  readonly gamma: number;
  readonly calibration: number;
  readonly dtype: 'float16' | 'float32';
}

/** Which frozen autoencoder. */
export type VaeChoice = { readonly kind: 'emoji-vae' } | VaeFileChoice;

/** An autoencoder on disk. */
export interface VaeFileChoice {
  readonly kind: 'file';
  readonly path: string;
  readonly decoder?: string | null;
  readonly config?: string | null;
  readonly scale?: number | null;
  readonly shift?: number | null;
}

/** Which transformer. */
export interface ModelConfig {
  readonly size: SiTName | ModelSize;
  readonly encoderDepth: number;
  readonly labelDropout: number;
  readonly qkNorm: boolean;
  readonly init: InitChoice | null;
}

/** Which weights a new run starts from. */
export interface InitChoice {
  readonly path: string;
  readonly from: 'file' | Convention;
  readonly part: string | null;
}

/** A transformer size that is none of the published ones. */
export interface ModelSize {
  readonly hiddenSize: number;
  readonly depth: number;
  readonly heads: number;
  readonly patchSize: number;
}

/** How parameters move. */
export interface OptimConfig {
  readonly learningRate: number;
  readonly betas: readonly [number, number];
  readonly epsilon: number;
  readonly weightDecay: number;
  readonly maxGradNorm: number | null;
  readonly warmup: number;
  readonly schedule:
    | { readonly kind: 'constant' }
    | { readonly kind: 'cosine' | 'linear'; readonly until: number; readonly final: number }
    | { readonly kind: 'inverse-sqrt'; readonly from: number };
  readonly muon: { readonly momentum: number; readonly match: readonly string[] } | null;
  readonly groups: readonly {
    readonly match: string;
    readonly learningRate: number;
    readonly weightDecay: number | null;
  }[];
}

/** How long, how often and where. */
export interface RunConfig {
  readonly batch: number;
  readonly accumulate: number;
  readonly steps: number;
  readonly seed: number;
  readonly reportEvery: number;
  readonly sampleEvery: number;
  readonly checkpointEvery: number;
  readonly keepLast: number;
  readonly keepEvery: number;
  readonly precision: 'float32' | 'bfloat16';
  readonly checkpointBlocks: boolean;
  readonly backend: 'tensorflow' | 'wasm' | 'cpu';
  readonly eager: boolean;
}
