/** Brings configurations written under old names of keys to the present ones. */
import { userError } from '@ahpa/messages';
import { isObject, type JsonObject, mergeObjects, nested, valueAt } from './layers.ts';
import { RENAMED, type RenamedKey } from './renamed.ts';

/** Callback for one line of text. */
export type Warn = (line: string) => void;

const silent: Warn = () => undefined;

/**
 * A configuration, or a part of one, with every old name replaced; `warn` gets one line for each.
 * @throws where the old and the new name of a key are both given.
 */
export function renameKeys(layer: JsonObject, warn: Warn = silent): JsonObject {
  return RENAMED.reduce((renamed, key) => renameKey(renamed, key, warn), layer);
}

/** Passes every distinct line on once. */
export function withoutRepeats(warn: Warn): Warn {
  const seen = new Set<string>();
  return (line) => {
    if (!seen.has(line)) warn(line);
    seen.add(line);
  };
}

function renameKey(layer: JsonObject, { oldPath, newPath, convert }: RenamedKey, warn: Warn): JsonObject {
  const value = valueAt(layer, oldPath.split('.'));
  if (value === undefined) return layer;
  const rest = without(layer, oldPath.split('.'));
  const moved = nested(newPath.split('.'), convert ? convert(value) : value);
  if (collide(rest, moved)) {
    throw userError(
      `${oldPath} is the old name of ${newPath}, and the configuration has both: leave ${oldPath} out.`,
    );
  }
  warn(`${oldPath} is now ${newPath}; the old name is still read.`);
  return mergeObjects(rest, moved);
}

/** The object without the value at a path, nor the objects that this leaves empty. */
function without(object: JsonObject, [key = '', ...inner]: readonly string[]): JsonObject {
  const { [key]: child, ...rest } = object;
  if (!isObject(child) || inner.length === 0) return rest;
  const left = without(child, inner);
  return Object.keys(left).length === 0 ? rest : { ...object, [key]: left };
}

/** Whether two values disagree about a key; objects do where their parts do. */
function collide(a: unknown, b: unknown): boolean {
  if (a === undefined || b === undefined) return false;
  if (!isObject(a) || !isObject(b)) return true;
  return Object.keys(b).some((key) => collide(a[key], b[key]));
}
