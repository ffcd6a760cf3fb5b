/** Fields of a diffusers `config.json`, each checked as it is read. */
import type { LatentScaling } from './config.ts';

/** The parsed object of a `config.json`. */
export type Json = Readonly<Record<string, unknown>>;

/**
 * Failure of the field `key`, whose value is not supported.
 * @throws Error that names key, value and requirement
 */
export function fail(key: string, got: unknown, wanted: string): never {
  throw new Error(
    `VAE config: ${key} is ${JSON.stringify(got)}, wanted ${wanted}; only plain AutoencoderKL and AutoencoderTiny files are supported.`,
  );
}

/**
 * A positive integer.
 * @throws Error where the field has another value
 */
export function count(json: Json, key: string, fallback?: number): number {
  const value = json[key] ?? fallback;
  if (!Number.isSafeInteger(value) || (value as number) < 1) fail(key, value, 'a positive integer');
  return value as number;
}

/** A finite number. */
function finite(json: Json, key: string, fallback: number): number {
  const value = json[key] ?? fallback;
  if (typeof value !== 'number' || !Number.isFinite(value)) fail(key, value, 'a finite number');
  return value;
}

/**
 * True or false.
 * @throws Error where the field has another value
 */
export function flag(json: Json, key: string, fallback: boolean): boolean {
  const value = json[key] ?? fallback;
  if (typeof value !== 'boolean') fail(key, value, 'true or false');
  return value;
}

/**
 * A list of positive integers, of `length` if that is given.
 * @throws Error where the field has another value
 */
export function counts(
  json: Json,
  key: string,
  fallback?: readonly number[],
  length?: number,
): readonly number[] {
  const value = json[key] ?? fallback;
  const fits =
    Array.isArray(value) &&
    value.length > 0 &&
    value.length === (length ?? value.length) &&
    value.every((item) => Number.isSafeInteger(item) && item > 0);
  if (!fits) fail(key, value, `a list of ${length === undefined ? '' : `${length} `}positive integers`);
  return value as number[];
}

/**
 * Checks that a field is `wanted`, absent or null.
 * @throws Error where it is not
 */
export function expectValue(json: Json, key: string, wanted: unknown): void {
  const value = json[key] ?? wanted;
  if (value !== wanted) fail(key, value, JSON.stringify(wanted));
}

function numbers(json: Json, key: string, length: number): readonly number[] | undefined {
  const value = json[key] ?? undefined;
  if (value === undefined) return undefined;
  const fits = Array.isArray(value) && value.length === length && value.every(Number.isFinite);
  if (!fits) fail(key, value, `a list of ${length} numbers, one a latent channel`);
  return value as number[];
}

/**
 * The scaling of latents; per-channel lists come in pairs and without a shift.
 * @throws Error where a list is missing, has another length or comes with a shift
 */
export function latentScaling(json: Json, channels: number, factor: number): LatentScaling {
  const scalingFactor = finite(json, 'scaling_factor', factor);
  const shiftFactor = finite(json, 'shift_factor', 0);
  const latentsMean = numbers(json, 'latents_mean', channels);
  const latentsStd = numbers(json, 'latents_std', channels);
  if (latentsMean === undefined && latentsStd === undefined) return { scalingFactor, shiftFactor };
  if (latentsMean === undefined || latentsStd === undefined) {
    fail(latentsMean ? 'latents_std' : 'latents_mean', null, 'a list, as the other of the two is one');
  }
  if (shiftFactor !== 0) fail('shift_factor', shiftFactor, '0 where latents_mean is given');
  return { scalingFactor, shiftFactor, latentsMean, latentsStd };
}

/** The fields of `latentScaling`. */
export function latentScalingJson(scaling: LatentScaling): Record<string, unknown> {
  const { scalingFactor, shiftFactor, latentsMean, latentsStd } = scaling;
  return {
    ...(latentsMean ? { latents_mean: [...latentsMean] } : {}),
    ...(latentsStd ? { latents_std: [...latentsStd] } : {}),
    scaling_factor: scalingFactor,
    shift_factor: shiftFactor,
  };
}
