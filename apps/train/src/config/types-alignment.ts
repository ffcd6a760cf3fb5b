/** The shape of a resolved `alignment`: one set of keys for each kind. */
import type { Distance, WeightSchedule } from '@ahpa/alignment-losses';
import type { FixedRoute, RouteTime, Temperature } from '@ahpa/dynamic-router';

/** What hidden tokens are aligned with. */
export type AlignmentConfig =
  | { readonly kind: 'none' }
  | AhpaConfig
  | RepaConfig
  | IrepaConfig
  | SraConfig
  | Sra2Config
  | HasteConfig
  | ModuleConfig;

/** How much an alignment counts in the total loss, and for how long. */
export interface Weighted {
  readonly weight: number;
  readonly schedule: WeightSchedule;
}

/** Several groups of VAE features, weighted by a router. */
export interface AhpaConfig extends Weighted {
  readonly kind: 'ahpa';
  /** Tap names of each group, finest group first. */
  readonly groups: 'default' | Readonly<Record<string, readonly string[]>>;
  /** Depths of groups that are not aligned at `model.encoderDepth`. */
  readonly depths: Readonly<Record<string, readonly number[]>>;
  readonly targetNorm: 'dataset' | 'spatial' | 'channel';
  readonly head: HeadChoice;
  readonly distance: Distance;
  readonly mix: 'loss' | 'target' | 'gate';
  readonly residual: 'none' | 'token' | 'sample';
  readonly router: RouterChoice;
}

/** A frozen teacher's tokens. */
export interface RepaConfig extends Weighted {
  readonly kind: 'repa';
  readonly teacher: TeacherChoice;
  readonly head: HeadChoice;
  readonly distance: Distance;
}

/** A frozen teacher's tokens normalised over space. */
export interface IrepaConfig extends Weighted {
  readonly kind: 'irepa';
  readonly teacher: TeacherChoice;
  readonly head: HeadChoice;
  readonly gamma: number;
}

/** The averaged network's own tokens at a deeper block and an earlier time. */
export interface SraConfig extends Weighted {
  readonly kind: 'sra';
  readonly teacherDepth: number;
  readonly interval: number;
  readonly distance: 'smooth-l1' | 'cosine';
  readonly head: HeadChoice;
}

/** The VAE's latent alone. */
export interface Sra2Config extends Weighted {
  readonly kind: 'sra2';
  /** The latent that the step noises, or the mean of its posterior. */
  readonly latent: 'sample' | 'mean';
  readonly distance: Exclude<Distance, 'nt-xent' | 'relation'>;
  readonly head: HeadChoice;
}

/** A frozen teacher's tokens and attention. */
export interface HasteConfig extends Weighted {
  readonly kind: 'haste';
  readonly teacher: TeacherChoice;
  readonly head: HeadChoice;
  readonly attention: {
    readonly weight: number;
    /** Blocks of the transformer, counted from 0. */
    readonly blocks: readonly number[];
    /** Temperature of the affinities between a teacher's tokens where it shows no attention. */
    readonly temperature: number;
  };
}

/** A loss from a module of the user's. */
export interface ModuleConfig {
  readonly kind: 'module';
  readonly module: string;
  readonly weight: number;
  readonly groups: 'default' | Readonly<Record<string, readonly string[]>>;
  readonly options: Readonly<Record<string, unknown>>;
}

/** Where a teacher's tokens come from. */
export type TeacherChoice =
  /** Taps of the frozen VAE's encoder. */
  | { readonly kind: 'vae'; readonly taps: readonly string[] }
  /** A .npz of features of any encoder, one row for each record of the cache that is the data. */
  | { readonly kind: 'file'; readonly path: string };

/** The projection from hidden tokens to targets; a width of null is twice the model's. */
export type HeadChoice =
  | { readonly kind: 'mlp'; readonly hidden: number | null; readonly layers: number }
  | { readonly kind: 'shared'; readonly hidden: number | null; readonly layers: number }
  | { readonly kind: 'conv'; readonly kernel: number }
  | { readonly kind: 'linear' };

/** How groups are weighted. */
export type RouterChoice = LearnedRouter | MeasuredRouter | FixedRouter;

/** A small network of the time, trained with the rest. */
export interface LearnedRouter {
  readonly kind: 'learned';
  readonly condition: 'time' | 'log-snr' | 'fourier';
  readonly per: 'sample' | 'token';
  readonly frequencies: number;
  readonly hiddenSize: number;
  readonly layers: number;
  readonly temperature: Temperature;
  readonly floor: number;
  readonly topK: number | null;
  readonly train: 'direct' | 'normalized' | 'uncertainty' | 'gradcos';
  readonly entropy: number;
  readonly balance: number;
  readonly balanceDecay: number;
  readonly mutualInformation: number;
}

/** Weights in closed form from what was measured so far. */
export interface MeasuredRouter {
  readonly kind: 'measured';
  readonly train: 'analytic' | 'gap';
  readonly beta: number;
  readonly decay: number;
  readonly time: RouteTime;
}

/** Weights that nobody learns. */
export type FixedRouter =
  | { readonly kind: 'fixed'; readonly schedule: FixedRoute; readonly time: RouteTime }
  | { readonly kind: 'one-hot'; readonly group: string }
  | {
      readonly kind: 'sigmoid';
      readonly slope: number;
      readonly centre: number;
      readonly time: RouteTime;
    }
  | {
      readonly kind: 'table';
      readonly weights: Readonly<Record<string, readonly number[]>>;
      readonly time: RouteTime;
    };
