/** The folder of this package, which holds `configs` and `templates`; the same from `src` and from the built `dist`. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const manifest = createRequire(import.meta.url).resolve('@ahpa/train/package.json');

/** A path inside the package's folder. */
export function inPackage(path: string): string {
  return join(dirname(manifest), path);
}
