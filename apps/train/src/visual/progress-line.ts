/** The text of a progress line: rate, time left, counts and losses in 80 columns. */

const WINDOW_MS = 30_000;

/** What a format can show. */
export interface ProgressState<P> {
  readonly value: number;
  readonly total: number;
  /** Units a second over the last half minute; NaN before the second update. */
  readonly perSecond: number;
  readonly secondsLeft: number;
  readonly payload: P;
}

/** Turns the state of a task into the text after its label. */
export type ProgressFormat<P> = (state: ProgressState<P>) => string;

/** What the training line shows beside the steps; losses as in the run's record. */
export interface TrainingPayload {
  readonly images: number;
  readonly denoising: number;
  readonly alignment?: number;
}

/** Count and time left. */
export function plainFormat({ value, total, secondsLeft }: ProgressState<unknown>): string {
  return `${value}/${total}${timeLeft(secondsLeft)}`;
}

/** Count, units a second and time left. */
export const rateFormat =
  (unit: string): ProgressFormat<unknown> =>
  ({ value, total, perSecond, secondsLeft }) =>
    Number.isFinite(perSecond)
      ? `${value}/${total}  ${perSecond.toFixed(1)} ${unit}/s${timeLeft(secondsLeft)}`
      : `${value}/${total}`;

/** Step, images seen, images a second, losses and time left; for a bar whose units are steps. */
export function trainingFormat(state: ProgressState<TrainingPayload>): string {
  const { value, total, perSecond, secondsLeft, payload } = state;
  const imagesPerSecond = (perSecond * payload.images) / value;
  const parts = [
    `${value}/${total}`,
    `${shortCount(payload.images)} img`,
    ...(Number.isFinite(imagesPerSecond) ? [`${shortCount(imagesPerSecond)} img/s`] : []),
    `loss ${payload.denoising.toFixed(3)}`,
    ...(payload.alignment === undefined ? [] : [`align ${payload.alignment.toFixed(3)}`]),
  ];
  return `${parts.join('  ')}${timeLeft(secondsLeft)}`;
}

/** Seconds as `42s`, `3m12s`, `5h07m` or `2d03h`. */
export function duration(seconds: number): string {
  const s = Math.round(seconds);
  const two = (x: number): string => String(Math.floor(x)).padStart(2, '0');
  if (s < 60) return `${s}s`;
  if (s < 3600) return `${Math.floor(s / 60)}m${two(s % 60)}s`;
  if (s < 86_400) return `${Math.floor(s / 3600)}h${two((s % 3600) / 60)}m`;
  return `${Math.floor(s / 86_400)}d${two((s % 86_400) / 3600)}h`;
}

/** A count in at most five characters: 950, 38.4k, 12M. */
export function shortCount(count: number): string {
  if (count < 10) return count.toFixed(1).replace('.0', '');
  if (count < 999.5) return String(Math.round(count));
  const [value, unit] = count < 999_500 ? [count / 1e3, 'k'] : [count / 1e6, 'M'];
  return `${value < 100 ? value.toFixed(1) : Math.round(value)}${unit}`;
}

/** Label, a bar where `fraction` in [0, 1] is given and room is left, and text, in `width` columns. */
export function fitLine(label: string, text: string, fraction: number | undefined, width: number): string {
  const room = Math.min(24, width - 1 - label.length - text.length - 2);
  if (fraction === undefined || room < 6) return `${label} ${text}`.slice(0, width - 1);
  const done = Math.round(Math.min(1, Math.max(0, fraction)) * room);
  return `${label} ${'█'.repeat(done)}${'░'.repeat(room - done)} ${text}`;
}

/** A function of (value, milliseconds) that returns the units a second over the last half minute. */
export function rateMeter(): (value: number, now: number) => number {
  let samples: { value: number; now: number }[] = [];
  return (value, now) => {
    const last = samples.at(-1);
    const first = samples[0] ?? { value, now };
    if (!last || now - last.now >= 1000) {
      samples = [...samples.filter((sample) => now - sample.now <= WINDOW_MS), { value, now }];
    }
    return (value - first.value) / ((now - first.now) / 1000);
  };
}

function timeLeft(seconds: number): string {
  return Number.isFinite(seconds) ? `  ETA ${duration(seconds)}` : '';
}
