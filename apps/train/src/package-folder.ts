/** The folder of this package, which holds `configs` and `templates`; the same from `src` and from the built `dist`. */
import { fileURLToPath } from 'node:url';

/** A path inside the package's folder. */
export function inPackage(path: string): string {
  return fileURLToPath(new URL(`../${path}`, import.meta.url));
}
