/** Refusal of features that are NaN or infinite, with the names of their images. */
import { userError } from '@ahpa/messages';
import { firstNonFinite, type TensorEntry } from '@ahpa/weight-files';

/** Values of some images, one image after the other, by field. */
export type FeatureFields = Readonly<Record<string, Pick<TensorEntry, 'dtype' | 'data'>>>;

/** Indices of those of `count` images that have a value that is not finite. */
function concernedImages({ dtype, data }: FeatureFields[string], count: number): number[] {
  if (firstNonFinite({ dtype, data }) < 0) return [];
  const stride = data.length / count;
  const holds = (image: number): boolean =>
    firstNonFinite({ dtype, data: data.subarray(image * stride, (image + 1) * stride) }) >= 0;
  return Array.from({ length: count }, (_, image) => image).filter((image) => holds(image));
}

/**
 * Checks features of the images `names` of `source` before anything of them is written.
 * @throws an error the user can fix, with the first field and image and the number of images, where a value is NaN or infinite
 */
export function assertFiniteFeatures(fields: FeatureFields, names: readonly string[], source: string): void {
  const concerned = Object.entries(fields).flatMap(([field, values]) =>
    concernedImages(values, names.length).map((image) => ({ field, image, dtype: values.dtype })),
  );
  const [first] = concerned;
  if (first === undefined) return;
  const { field, image, dtype } = first;
  const count = new Set(concerned.map((one) => one.image)).size;
  const what = dtype === 'F16' ? 'finite in float16' : 'finite';
  const remedy =
    dtype === 'F16' ? 'set hierarchy.dtype to float32, or check the network' : 'check the network';
  throw userError(
    `${source}: ${field} of ${names[image]} is not ${what} (of ${count} of the ${names.length} images encoded together, none of which was written): ${remedy}.`,
  );
}

/** Bytes of an array's values. */
export const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);
