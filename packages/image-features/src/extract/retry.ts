/** Another try at the images that a cache left out. */
import { differences, droppedImages, readPlan, rewindCache } from '@ahpa/latent-cache';
import type { Reporter } from '@ahpa/messages';
import { badImages } from '../bad-images.ts';
import type { ImageDataset } from '../image-dataset.ts';

/** Images that are tried together. */
const TOGETHER = 32;

/**
 * Decodes the images again that the cache in `out` left out, and puts the cache back to the first that is good now: records keep the
 * order of the images, so what comes after it is encoded again. A cache of another recipe is left to whoever opens it.
 */
export async function retryDropped(
  images: ImageDataset,
  out: string,
  recipe: Readonly<Record<string, unknown>>,
  reporter: Reporter,
): Promise<void> {
  const plan = await readPlan(out);
  if (plan === undefined || differences(plan.recipe, recipe).length > 0) return;
  const rows = (await droppedImages(out)).map(({ row }) => row);
  for (let start = 0; start < rows.length; start += TOGETHER) {
    const part = rows.slice(start, start + TOGETHER);
    const results = await Promise.allSettled(part.map((row) => images.image(row)));
    const bad = new Set(badImages(results, part, images).map(({ row }) => row));
    const good = part.find((row) => !bad.has(row));
    if (good === undefined) continue;
    reporter.say(`${images.names[good]} can be read now: encoding it and the images after it.`);
    return rewindCache(out, good);
  }
  if (rows.length > 0) reporter.say(`None of the ${rows.length} images left out can be read now.`);
}
