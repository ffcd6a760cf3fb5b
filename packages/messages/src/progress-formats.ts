/** Formats of progress lines, and their numbers in few characters. */
import type { ProgressFormat, ProgressState } from './reporter.ts';

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

/** Text for the end of a progress line, `  ETA 3m12s`; empty where the seconds are not known yet. */
export function timeLeft(seconds: number): string {
  return Number.isFinite(seconds) ? `  ETA ${duration(seconds)}` : '';
}

/** Count and time left. */
export function plainFormat({ value, total, secondsLeft }: ProgressState<unknown>): string {
  return `${value}/${total}${timeLeft(secondsLeft)}`;
}

/** Count, units a second and time left; `unit` is their name, such as `img`. */
export const rateFormat =
  (unit: string): ProgressFormat<unknown> =>
  ({ value, total, perSecond, secondsLeft }) => {
    const rate = Number.isFinite(perSecond) ? `  ${perSecond.toFixed(1)} ${unit}/s` : '';
    return `${value}/${total}${rate}${timeLeft(secondsLeft)}`;
  };
