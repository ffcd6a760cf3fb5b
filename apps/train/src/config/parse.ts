/** Checks a configuration and says in one sentence what is wrong with it. */

import { userError } from '@ahpa/messages';
import type { z } from 'zod';
import { configSchema } from './schema.ts';
import type { TrainConfig } from './types.ts';

/** A resolved configuration from any value: absent keys get their defaults, unknown keys and bad values are errors. */
export function parseTrainConfig(input: unknown): TrainConfig {
  return checkWith(configSchema, input, 'The configuration');
}

/** What a schema makes of any value, or one sentence that names `subject` and all that is wrong. */
export function checkWith<T>(schema: z.ZodType<T>, input: unknown, subject: string): T {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const problems = result.error.issues.flatMap((issue) => describeIssue(issue, [], input));
  throw userError(`${subject} is not valid: ${problems.join('; ')}.`);
}

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

function describeIssue(issue: Issue, above: Path, input: unknown): string[] {
  const path = [...above, ...issue.path];
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    return nearestBranch(issue.errors).flatMap((inner) => describeIssue(inner, path, input));
  }
  if (issue.code === 'unrecognized_keys') return [`${at(path)}${issue.message}`];
  if (issue.code === 'invalid_key') return [`${at(path)}wanted lower-case letters, digits and "-" in a name`];
  const got = issue.code === 'custom' ? '' : `, got ${JSON.stringify(valueAt(input, path)) ?? 'nothing'}`;
  return [`${at(path)}${wanted(issue)}${got}`];
}

/** Of the ways in which a value fails a union, the one of its own kind, or that got furthest into it. */
function nearestBranch(branches: readonly Issue[][]): readonly Issue[] {
  const reach = (issues: readonly Issue[]): number =>
    issues.some(({ path }) => path[0] === 'kind') ? -1 : Math.max(...issues.map(({ path }) => path.length));
  return [...branches].sort((a, b) => reach(b) - reach(a))[0] ?? [];
}

function wanted(issue: Issue): string {
  const end = issue.message.match(/expected (.*?)(, received .*)?$/i)?.[1];
  return end === undefined ? issue.message : `wanted ${end}`;
}

function at(path: Path): string {
  return path.length === 0 ? '' : `${path.join('.')}: `;
}

function valueAt(input: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key],
    input,
  );
}
