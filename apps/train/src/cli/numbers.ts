/** Numbers on a command line. */
import { InvalidArgumentError } from 'commander';

/** A whole number of at least 0. */
export function integer(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Wanted a whole number.');
}

/** A whole number of at least 1. */
export function count(text: string): number {
  if (/^\d+$/.test(text) && Number(text) > 0) return Number(text);
  throw new InvalidArgumentError('Wanted a whole number of at least 1.');
}

/** A number of at least 0. */
export function nonNegative(text: string): number {
  const value = Number(text);
  if (text !== '' && Number.isFinite(value) && value >= 0) return value;
  throw new InvalidArgumentError('Wanted a number of at least 0.');
}

/** A number from 0 to 1. */
export function share(text: string): number {
  const value = nonNegative(text);
  if (value <= 1) return value;
  throw new InvalidArgumentError('Wanted a share from 0 to 1.');
}

/** A number above 0. */
export function positive(text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError('Wanted a number above 0.');
}

/** Two times from 0 to 1, the lower first, with a comma between them. */
export function interval(text: string): readonly [low: number, high: number] {
  const [low = '', high = '', ...rest] = text.split(',');
  const times = [nonNegative(low), nonNegative(high)] as const;
  if (rest.length === 0 && times[0] <= times[1] && times[1] <= 1) return times;
  throw new InvalidArgumentError('Wanted two times from 0 to 1, the lower first, such as 0,0.7.');
}

/** Help of `--classes`, for weights whose class table leaves the number of classes open. */
export const CLASSES_HELP =
  'number of classes, where the table may lack a null class (default: all rows of 1,000, otherwise all but the last)';
