/** One-sentence errors for users, and the port through which a library reports progress. */
export { explain, isUserError, userError } from './errors.ts';
export { describeClasses, listNames, printable, shorten } from './printable.ts';
export { duration, plainFormat, rateFormat, shortCount, timeLeft } from './progress-formats.ts';
export { type Progress, type ProgressFormat, type ProgressState, type Reporter, silent } from './reporter.ts';
