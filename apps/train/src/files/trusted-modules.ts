/** Modules of the user's that may be loaded: those that a command line of this user named, by path and content. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { userError } from '@ahpa/messages';
import { defaultCacheDir } from './cache-folder.ts';

/** The marks of modules named in this process, which count also where the cache folder cannot be written. */
const named = new Set<string>();

/** File that marks a module as named; undefined where there is no such module. */
function markOf(path: string): string | undefined {
  if (!isAbsolute(path) || !existsSync(path)) return undefined;
  const hash = createHash('sha256')
    .update(`${realpathSync(path)}\0`)
    .update(readFileSync(path));
  return join(defaultCacheDir(), 'modules', hash.digest('hex'));
}

/** Marks a module, which the user names by an absolute path, as one to be loaded. */
export function trustModule(path: string): void {
  const mark = markOf(path);
  if (mark === undefined) return; // its import says what is wrong
  named.add(mark);
  try {
    mkdirSync(join(mark, '..'), { recursive: true, mode: 0o700 });
    writeFileSync(mark, path);
  } catch {
    // named in this process all the same
  }
}

/** Refuses a module that only a file names. @throws unless a command line of this user named its path while it had this content */
export function assertTrusted(path: string): void {
  const mark = markOf(path);
  if (isAbsolute(path) && mark === undefined) return; // its import says that it is not there
  if (mark !== undefined && (named.has(mark) || existsSync(mark))) return;
  throw userError(
    `alignment.module ${path} is named by a file alone, or has changed since a command line named it, and a module is a program: read it, then name it yourself by --module PATH, or --set alignment.module=PATH where a configuration is given.`,
  );
}
