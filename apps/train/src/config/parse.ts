/** Parsing of configurations, with all problems in one sentence. */
import { userError } from '@ahpa/messages';
import type { z } from 'zod';
import { isObject, valueAt } from './layers.ts';
import { renameKeys } from './rename-keys.ts';
import { configSchema, type TrainConfig } from './schema.ts';

/**
 * A resolved configuration from any value: absent keys get their defaults, old names of keys become the present ones.
 * @throws where there are unknown keys or values out of bounds.
 */
export function parseTrainConfig(input: unknown): TrainConfig {
  return checkWith(configSchema, isObject(input) ? renameKeys(input) : input, 'The configuration');
}

/**
 * A value parsed with a schema.
 * @throws one sentence that names `subject` and every problem.
 */
export function checkWith<T>(schema: z.ZodType<T>, input: unknown, subject: string): T {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const problems = result.error.issues.flatMap((issue) => describeIssue(issue, [], input));
  const more = problems.length - SHOWN;
  const shown = [...problems.slice(0, SHOWN), ...(more > 0 ? [`and ${more} more problems`] : [])];
  throw userError(`${subject} is not valid: ${shown.join('; ')}.`);
}

/** Most problems that one error shows, and most characters of a value in it. */
const SHOWN = 5;
const VALUE_LENGTH = 80;

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

function describeIssue(issue: Issue, above: Path, input: unknown): string[] {
  const path = [...above, ...issue.path];
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    return nearestBranch(issue.errors).flatMap((inner) => describeIssue(inner, path, input));
  }
  if (issue.code === 'unrecognized_keys') return [`${at(path)}${issue.message}`];
  if (issue.code === 'invalid_key') return [`${at(path)}wanted lower-case letters, digits and "-" in a name`];
  const got = issue.code === 'custom' ? '' : `, got ${brief(valueAt(input, path))}`;
  return [`${at(path)}${wanted(issue)}${got}`];
}

/** The issues of the union's branch that has the value's kind, or whose issues lie deepest in the value. */
function nearestBranch(branches: readonly Issue[][]): readonly Issue[] {
  const reach = (issues: readonly Issue[]): number =>
    issues.some(({ path }) => path[0] === 'kind') ? -1 : Math.max(...issues.map(({ path }) => path.length));
  return [...branches].sort((a, b) => reach(b) - reach(a))[0] ?? [];
}

function wanted(issue: Issue): string {
  const end = issue.message.match(/expected (.*?)(, received .*)?$/i)?.[1];
  return end === undefined ? issue.message : `wanted ${end}`;
}

/** A value as JSON, cut where it is long. */
function brief(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > VALUE_LENGTH ? `${text.slice(0, VALUE_LENGTH)}…` : text;
}

function at(path: Path): string {
  return path.length === 0 ? '' : `${path.join('.')}: `;
}
