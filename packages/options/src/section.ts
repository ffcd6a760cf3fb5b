/** Building blocks of option schemas, on zod. */
import { closest } from 'fastest-levenshtein';
import { z } from 'zod';

/** An object that refuses unknown keys and names the nearest known one. */
export function section<T extends z.core.$ZodLooseShape>(shape: T): z.ZodObject<T, z.core.$strict> {
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? (issue as unknown as { keys: string[] }).keys
            .map((key) => `unknown key "${key}", the nearest is "${closest(key, known)}"`)
            .join('; ')
        : undefined,
  });
}

/** A positive integer. */
export function count(fallback: number, description: string): z.ZodDefault<z.ZodInt> {
  return z.int().positive().default(fallback).describe(description);
}

/** A number above 0. */
export function positive(fallback: number, description: string): z.ZodDefault<z.ZodNumber> {
  return z.number().positive().default(fallback).describe(description);
}

/** A number from 0 to below 1. */
export function fraction(fallback: number, description: string): z.ZodDefault<z.ZodNumber> {
  return z.number().min(0).lt(1).default(fallback).describe(description);
}
