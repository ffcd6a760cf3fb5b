/** Images that a trained model draws as they are asked for: image i depends on the seed, i and its label alone. */
import type { SampleConfig } from '@ahpa/dit-core';
import { hashPixels, type PixelSource } from '@ahpa/evaluation/node';
import type { Stretch } from '@ahpa/messages';
import type { ImageSampler } from '../models/image-sampler.ts';
import { sampleImages } from '../sampling/sample-images.ts';

/** Number, seed and labels of the images to draw. */
export interface DrawRequest {
  readonly n: number;
  readonly seed: number;
  /** Label of image i. */
  readonly label: (index: number) => number;
  /** Ends the drawing with its reason. */
  readonly signal?: AbortSignal;
  readonly stretch?: Stretch;
}

/** Images of a sampler, as pixels to evaluate. */
export function drawnPixels(
  path: string,
  sampler: ImageSampler,
  { n, seed, label, ...hooks }: DrawRequest,
  close: () => void = () => undefined,
): PixelSource {
  const read: PixelSource['read'] = async (start, count) => {
    const indices = Array.from({ length: count }, (_, i) => start + i);
    const request = { indices, labels: indices.map(label), seed, padTo: Math.min(50, n) };
    const { data, shape } = await sampleImages(sampler, request, hooks);
    return { data, shape: [shape[0], shape[1], shape[2], 3] };
  };
  return { path, n, read, sha256: () => hashPixels({ n, read }), close: async () => close() };
}

/** Evaluations of the network for one image; null where the sampler decides as it goes. */
export function evaluations(config: SampleConfig): number | null {
  if (config.sampler === 'dopri5') return null;
  return config.sampler === 'heun' ? 2 * config.steps - 1 : config.steps;
}
