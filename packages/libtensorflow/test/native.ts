/** Native tests need the library; without it they are skipped, with the reason on standard error. */
import { findLibrary } from '../src/library.ts';

/** Why native tests cannot run, or undefined when they can. */
export const missing: string | undefined = ((): string | undefined => {
  try {
    findLibrary();
    return undefined;
  } catch (error) {
    process.stderr.write(`native tests skipped: ${(error as Error).message}\n`);
    return (error as Error).message;
  }
})();
