/** Whether TensorFlow's library is there for native tests; the reason is printed where it is not. */
import { findLibrary } from '@ahpa/libtensorflow/setup';

function whyNot(): string | undefined {
  try {
    findLibrary();
    return undefined;
  } catch (error) {
    process.stderr.write(`native tests skipped: ${(error as Error).message}\n`);
    return (error as Error).message;
  }
}

/** Why native tests cannot run, or undefined where they can. */
export const missing: string | undefined = whyNot();
