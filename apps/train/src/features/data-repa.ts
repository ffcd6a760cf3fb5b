/** REPA's preprocessed folder as data: its latents as they are, groups of features from its images. */

import { userError } from '@ahpa/messages';
import type { RepaData } from '../config/types.ts';
import { vaeStride } from '../vae/load.ts';
import { cutByName, type Data, type FeatureContext, once, type Sides } from './data.ts';
import { fittedNorms } from './data-images.ts';
import { featureEncoder } from './encoder.ts';
import { type Pictures, sourcePictures } from './pictures.ts';
import { openRepa, type RepaFolder, repaExamples } from './repa.ts';

/** REPA's latents are an eighth of the image. */
const REPA_STRIDE = 8;

async function sidesOf(
  config: RepaData,
  folder: RepaFolder,
  pictures: Pictures,
  context: FeatureContext,
): Promise<Sides> {
  const { files, vae, request } = context;
  const { config: sizes } = files;
  if (vaeStride(sizes) !== REPA_STRIDE || sizes.latentChannels !== folder.shape[2])
    throw userError(
      `${config.path} has latents of ${folder.shape[2]} channels at an eighth of the image, and the VAE makes ${sizes.latentChannels} at 1/${vaeStride(sizes)}: set vae to the one that made them.`,
    );
  const encoder =
    request.groups.length > 0
      ? featureEncoder(vae, sizes, request, await fittedNorms(pictures, context))
      : undefined;
  const all = repaExamples(folder, pictures, sizes, encoder);
  const { train, heldOut } = cutByName(all, folder.images.names, config.holdOut);
  return { train, heldOut: once(heldOut), dispose: () => encoder?.dispose() };
}

/** Opens REPA's folder as data. */
export async function openRepaData(config: RepaData): Promise<Data> {
  const folder = await openRepa(config.path);
  const size = folder.shape[0] * REPA_STRIDE;
  const pictures = sourcePictures(folder.images, size, config.threads);
  return {
    size,
    classes: folder.images.classes,
    examples: (context) => sidesOf(config, folder, pictures, context),
    close: async () => {
      await pictures.close();
      await folder.latents.close();
    },
  };
}
