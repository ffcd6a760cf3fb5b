/** One-sentence errors for users, the ports through which a library reports progress and long work, and children that end with their parent. */
export { explain, isUserError, userError } from './errors.ts';
export { describeClasses, listNames, printable, shorten } from './printable.ts';
export { duration, plainFormat, rateFormat, shortCount, timeLeft } from './progress-formats.ts';
export { type Progress, type ProgressFormat, type ProgressState, type Reporter, silent } from './reporter.ts';
export { type Stretch, unwatched } from './stretch.ts';
export { tieChild } from './tie-child.ts';
