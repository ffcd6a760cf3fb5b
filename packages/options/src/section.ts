/** Building blocks of option schemas, on zod. */
import { closest } from 'fastest-levenshtein';
import { z } from 'zod';

/** Value of a parsed configuration, read-only at every depth. */
export type Resolved<S extends z.ZodType> = DeepReadonly<z.infer<S>>;

/** Value as it may be written by hand: keys with a default may be absent; read-only at every depth. */
export type Written<S extends z.ZodType> = DeepReadonly<z.input<S>>;

type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T;

/** Object schema that refuses unknown keys and names the nearest known one. */
export function section<T extends z.core.$ZodLooseShape>(shape: T) {
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
