/** The class of every generated image. */
import { philox } from '@ahpa/ops';
import type { GenerateRequest } from './generate-request.ts';

/**
 * The label of every image: the classes in turn, or drawn independently with equal chance (REPA). That of an image depends
 * on the seed, its index and the classes, not on how many images there are.
 */
export async function chooseLabels({
  images,
  seed,
  labels,
  classes,
}: Pick<GenerateRequest, 'images' | 'seed' | 'labels' | 'classes'>): Promise<readonly number[]> {
  const pick = (position: number): number => classes[position] as number;
  if (labels === 'balanced') return Array.from({ length: images }, (_, i) => pick(i % classes.length));
  const uniform = philox(seed).uniform([images], 'sample/label');
  const values = await uniform.data();
  uniform.dispose();
  return Array.from(values, (value) => pick(Math.floor(value * classes.length)));
}
