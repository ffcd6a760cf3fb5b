/** Fields of a record of a feature cache. */
import type { Field } from '@ahpa/latent-cache';
import { groupShapes, latentShape, type VaeFeatures } from '../feature-request.ts';

/** Every field: label, latent, tokens of each group, and pixels where they are kept. */
export function cacheFields(
  { files, request }: Pick<VaeFeatures, 'files' | 'request'>,
  pixels: boolean,
): Field[] {
  const { size, hierarchy } = request;
  const latent = latentShape(files.config, size);
  const dtype = hierarchy.dtype === 'float16' ? 'F16' : 'F32';
  return [
    { name: 'label', dtype: 'I32', shape: [] },
    { name: 'latent.mean', dtype: 'F32', shape: latent },
    { name: 'latent.std', dtype: 'F32', shape: latent },
    ...groupShapes(files.config, request).map(
      ({ name, tokens, width }): Field => ({ name: `tokens.${name}`, dtype, shape: [tokens, width] }),
    ),
    ...(pixels ? [{ name: 'pixels', dtype: 'U8', shape: [size, size, 3] } as const] : []),
  ];
}

/** Fields by name. */
export const byName = (fields: readonly Field[]): Record<string, Field> =>
  Object.fromEntries(fields.map((field) => [field.name, field]));
