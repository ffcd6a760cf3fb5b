/** Building blocks of option schemas, on zod. */
import { closest } from 'fastest-levenshtein';
import { z } from 'zod';

/** Value of a parsed configuration, read-only at every depth. */
export type Resolved<S extends z.ZodType> = DeepReadonly<z.infer<S>>;

/** Value as it may be written by hand: keys with a default may be absent; read-only at every depth. */
export type Written<S extends z.ZodType> = DeepReadonly<z.input<S>>;

type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T;

/** Most unknown keys that are named. */
const NAMED = 3;

/** Object schema that refuses unknown keys and names the nearest known one. */
export function section<T extends z.core.$ZodLooseShape>(shape: T) {
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? describeUnknown((issue as unknown as { keys: string[] }).keys, known)
        : undefined,
  });
}

function describeUnknown(keys: readonly string[], known: readonly string[]): string {
  const named = keys
    .slice(0, NAMED)
    .map((key) => `unknown key "${key}", the nearest is "${closest(key, known as string[])}"`);
  const more = keys.length - named.length;
  return [...named, ...(more > 0 ? [`and ${more} more unknown keys`] : [])].join('; ');
}

/** Largest seed: random numbers are keyed with 32 bits of it. */
export const LARGEST_SEED: number = 2 ** 32 - 1;

const SEED = `wanted a whole number from 0 to ${LARGEST_SEED}`;

/** Seed of random numbers: an integer of 32 bits. */
export const seedNumber = z.int(SEED).min(0, SEED).max(LARGEST_SEED, SEED);

/** Positive integer. */
export const count = (fallback: number, description: string) =>
  z.int().positive().default(fallback).describe(description);

/** Integer from 0. */
export const wholeNumber = (fallback: number, description: string) =>
  z.int().min(0).default(fallback).describe(description);

/** Number above 0. */
export const positive = (fallback: number, description: string) =>
  z.number().positive().default(fallback).describe(description);

/** Number from 0 to below 1. */
export const fraction = (fallback: number, description: string) =>
  z.number().min(0).lt(1).default(fallback).describe(description);

/** Boolean, off by default. */
export const flag = (description: string) => z.boolean().default(false).describe(description);

/** Path or name that must be given. */
export const text = (description: string) => z.string().min(1).describe(description);

/** Path or name that may be null, the default. */
export const optionalText = (description: string) =>
  z.string().min(1).nullable().default(null).describe(description);
