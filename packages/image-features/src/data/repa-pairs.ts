/** Pairs of latents and images in REPA's preprocessed folder, by the numbers in their names. */
import { fileNumber } from '@ahpa/image-data';
import { userError } from '@ahpa/messages';

/** Names of files by their numbers. @throws an error the user can fix where one has no number, or two the same. */
function byNumber(files: readonly string[], path: string): ReadonlyMap<number, string> {
  const found = new Map<number, string>();
  for (const file of files) {
    const number = fileNumber(file);
    const other = number === undefined ? undefined : found.get(number);
    if (number === undefined || other !== undefined)
      throw userError(
        `${path}/${file} ${other === undefined ? 'has no number' : `has the number of ${other}`}, wanted one of its own, as in img00000012.png and img-mean-std-00000012.npy.`,
      );
    found.set(number, file);
  }
  return found;
}

/** Names below a folder, for messages. */
interface Named {
  readonly path: string;
  readonly files: readonly string[];
}

/**
 * The latent of every image, in the order of the images.
 * @throws an error the user can fix where a latent or an image has no counterpart.
 */
export function pairLatents(latents: Named, images: Named): string[] {
  const [latentOf, imageOf] = [byNumber(latents.files, latents.path), byNumber(images.files, images.path)];
  const only = [...latentOf].find(([number]) => !imageOf.has(number));
  if (only)
    throw userError(
      `${latents.path}/${only[1]} has no image of its number in ${images.path}: wanted one for every latent.`,
    );
  return [...imageOf].map(([number, image]) => {
    const latent = latentOf.get(number);
    if (latent !== undefined) return latent;
    throw userError(
      `${images.path}/${image} has no latent of its number in ${latents.path}: wanted one for every image.`,
    );
  });
}
