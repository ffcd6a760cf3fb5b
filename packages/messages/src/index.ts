/** One-sentence errors for users, and the port through which a library reports progress. */
export { explain, isUserError, userError } from './errors.ts';
export { type Progress, type Reporter, silent } from './reporter.ts';
