/** Sampling configuration, as plain data, and its validation. */
import type { Path } from '@ahpa/ports';

/** A solver with a fixed number of steps, or one that chooses its steps. */
export type SolverConfig =
  | {
      readonly sampler: 'euler' | 'heun' | 'sde';
      /** Intervals of time; the published tables use 250 with 'sde'. */
      readonly steps: number;
      /** Factor of the noise-to-signal ratio at every time, default 1; above 1 spends more steps near noise. */
      readonly shift?: number;
    }
  | {
      /** DiT's diffusion, for networks that predict noise: with the learned variance, or without new noise (DDIM, eta 0). */
      readonly sampler: 'ddpm' | 'ddim';
      /** Steps chosen of the 1,000; DiT's own programs use 250. */
      readonly steps: number;
    }
  | {
      readonly sampler: 'dopri5';
      /** Error allowed in a step: rtol |x| + atol, root mean square over a sample. */
      readonly rtol: number;
      readonly atol: number;
    };

/** Strength and interval of guidance, away from the null class or from a weaker model. */
export type GuidanceConfig = {
  /** Weight of the conditional velocity; 1 is no guidance, 0 the other velocity alone. */
  readonly guidance: number;
  /** Guide only where low <= t <= high. */
  readonly guidanceInterval: readonly [low: number, high: number];
  /** Leading channels that are guided, default all; SiT's own tables guide 3 of 4. */
  readonly guidanceChannels?: number | 'all';
};

/** Configuration of a sampler. */
export type SampleConfig = SolverConfig &
  GuidanceConfig & {
    readonly path: Path;
    /** Label of the unconditional half of a guided batch; classes are below it. */
    readonly nullClass: number;
  };

/** A sampler of DiT's diffusion. */
export type DiffusionConfig = Extract<SampleConfig, { readonly sampler: 'ddpm' | 'ddim' }>;

/** Whether a sampler is one of DiT's diffusion, for networks that predict noise. */
export const isDiffusion = (config: SampleConfig): config is DiffusionConfig =>
  config.sampler === 'ddpm' || config.sampler === 'ddim';

/** Names of the samplers. */
export const SAMPLERS: readonly SampleConfig['sampler'][] = [
  'euler',
  'heun',
  'sde',
  'dopri5',
  'ddpm',
  'ddim',
];

/**
 * Checks a configuration.
 * @throws RangeError that names the first impossible entry
 */
export function assertSampleConfig(config: SampleConfig): void {
  const { sampler, path, nullClass, guidance, guidanceInterval, guidanceChannels = 'all' } = config;
  const [low, high] = guidanceInterval;
  const positive = (value: number): boolean => Number.isFinite(value) && value > 0;
  const whole = (value: number, least: number): boolean => Number.isInteger(value) && value >= least;
  const checks: (readonly [fine: boolean, name: string, got: unknown, wanted: string])[] = [
    [SAMPLERS.includes(sampler), 'sampler', sampler, `one of ${SAMPLERS.join(', ')}`],
    [path === 'linear' || path === 'cosine', 'path', path, 'linear or cosine'],
    [whole(nullClass, 0), 'nullClass', nullClass, 'the number of classes'],
    [Number.isFinite(guidance) && guidance >= 0, 'guidance', guidance, 'a number of at least 0; 1 is none'],
    [
      0 <= low && low <= high && high <= 1,
      'guidanceInterval',
      `[${guidanceInterval.join(', ')}]`,
      'two times from 0 to 1, the lower first',
    ],
    [
      guidanceChannels === 'all' || whole(guidanceChannels, 1),
      'guidanceChannels',
      guidanceChannels,
      "'all' or a number of leading channels",
    ],
  ];
  if (config.sampler === 'dopri5') {
    checks.push([positive(config.rtol), 'rtol', config.rtol, 'a number above 0']);
    checks.push([positive(config.atol), 'atol', config.atol, 'a number above 0']);
  } else {
    const { steps, shift = 1 } = { shift: 1, ...config };
    checks.push([whole(steps, 1), 'steps', steps, 'a positive integer']);
    if (isDiffusion(config)) checks.push([steps <= 1000, 'steps', steps, 'at most 1000 with ddpm and ddim']);
    checks.push([positive(shift), 'shift', shift, 'a number above 0; 1 is none']);
  }
  for (const [fine, name, got, wanted] of checks) {
    if (!fine) throw new RangeError(`sample: ${name} is ${got}, wanted ${wanted}; set config.${name}.`);
  }
}
