/** Configurations as layers: merging, and assignments `a.b=value` as a layer. */
import { userError } from '@ahpa/messages';

/** A plain object of JSON values. */
export type JsonObject = { readonly [key: string]: unknown };

// Collections with keys of the user's choice: the upper layer replaces the lower one's.
const REPLACED = new Set(['alignment.groups', 'alignment.depths', 'alignment.router.weights']);

type Replaces = (below: JsonObject, above: JsonObject, path: string) => boolean;

/**
 * `upper` over `lower`: objects are merged key by key, anything else is replaced.
 * An object whose `kind` changes is replaced whole, since its other keys belong to the old kind, and so is one at a path of `whole`.
 */
export function mergeLayers(
  lower: JsonObject,
  upper: JsonObject,
  whole: ReadonlySet<string> = new Set(),
): JsonObject {
  return merge(
    lower,
    upper,
    (below, above, path) => REPLACED.has(path) || whole.has(path) || changesKind(below, above),
  );
}

/** `upper` over `lower`: objects are merged key by key whatever their kind, anything else is replaced. */
export function mergeObjects(lower: JsonObject, upper: JsonObject): JsonObject {
  return merge(lower, upper, () => false);
}

/**
 * The layer of a list of assignments `a.b=value`; values are JSON where they parse as such, text otherwise. Of two for one path the
 * later one counts.
 * @throws where an assignment has no key or no `=`.
 */
export function layerOf(assignments: readonly string[]): JsonObject {
  const values = new Map<string, unknown>();
  for (const { path, value } of assignments.map(parseAssignment)) {
    values.delete(path); // the order is that of what counts
    values.set(path, value);
  }
  return [...values].map(([path, value]) => nested(path.split('.'), value)).reduce(mergeObjects, {});
}

/** The paths that assignments give an object, which is their whole value. */
export function wholePaths(assignments: readonly string[]): ReadonlySet<string> {
  const objects = assignments.map(parseAssignment).filter(({ value }) => isObject(value));
  return new Set(objects.map(({ path }) => path));
}

/** The object that holds nothing but `value`, at the end of a path of keys. */
export function nested(path: readonly string[], value: unknown): JsonObject {
  return path.reduceRight<unknown>((inner, key) => Object.fromEntries([[key, inner]]), value) as JsonObject;
}

/** The value at the end of a path of keys; undefined where there is none. */
export function valueAt(object: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) => (value as Readonly<Record<PropertyKey, unknown>> | null | undefined)?.[key],
    object,
  );
}

/** Whether a value is an object and not an array. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function merge(lower: JsonObject, upper: JsonObject, replaces: Replaces, path = ''): JsonObject {
  const entries = new Map(Object.entries(lower));
  for (const [key, value] of Object.entries(upper)) {
    const below = entries.get(key);
    const here = path === '' ? key : `${path}.${key}`;
    const merged = isObject(below) && isObject(value) && !replaces(below, value, here);
    entries.set(key, merged ? merge(below, value, replaces, here) : value);
  }
  return Object.fromEntries(entries);
}

function changesKind({ kind: old }: JsonObject, { kind }: JsonObject): boolean {
  return kind !== undefined && kind !== old;
}

function parseAssignment(assignment: string): { readonly path: string; readonly value: unknown } {
  const [, path, text] = /^([^=\s]+)=(.*)$/s.exec(assignment) ?? [];
  if (path === undefined || text === undefined) {
    throw userError(
      `--set and --change need key=value, for example optim.learningRate=1e-4, got "${assignment}".`,
    );
  }
  return { path, value: readValue(text) };
}

function readValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
