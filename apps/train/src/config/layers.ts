/** Lays configurations over one another. */
import { userError } from '@ahpa/messages';

/** An object as JSON has it. */
export type JsonObject = { readonly [key: string]: unknown };

// Collections with keys of the user's choice: the upper layer's keys are all there are.
const REPLACED = new Set(['alignment.groups', 'alignment.depths', 'alignment.router.weights']);

type Replaces = (below: JsonObject, above: JsonObject, path: string) => boolean;

/**
 * `upper` over `lower`: objects are merged key by key, anything else is replaced.
 * An object whose `kind` changes is replaced whole, since its other keys belong to the old kind.
 */
export function mergeLayers(lower: JsonObject, upper: JsonObject): JsonObject {
  return merge(lower, upper, (below, above, path) => REPLACED.has(path) || changesKind(below, above));
}

/** The layer that a list of `a.b=value` means; values are JSON where they parse as such, text otherwise. */
export function layerOf(assignments: readonly string[]): JsonObject {
  return assignments.map(parseAssignment).reduce((lower, upper) => merge(lower, upper, () => false), {});
}

/** Whether a value is an object, and no array. */
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

function parseAssignment(assignment: string): JsonObject {
  const [, path, text] = /^([^=\s]+)=(.*)$/s.exec(assignment) ?? [];
  if (path === undefined || text === undefined) {
    throw userError(`--set needs key=value, for example optim.learningRate=1e-4, got "${assignment}".`);
  }
  const value = path
    .split('.')
    .reduceRight<unknown>((inner, key) => Object.fromEntries([[key, inner]]), readValue(text));
  return value as JsonObject;
}

function readValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
