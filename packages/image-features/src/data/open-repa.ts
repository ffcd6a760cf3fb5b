/** Opens REPA's preprocessed folder as data. */
import { type Reporter, userError } from '@ahpa/messages';
import { featureEncoder } from '../feature-encoder.ts';
import { type ImageDataset, selectImages, sourceDataset } from '../image-dataset.ts';
import { fitNorms } from '../norms/fit-norms.ts';
import { vaeStride } from '../vae/read-vae.ts';
import { goodRows } from './check-images.ts';
import { FIT_BATCH } from './open-images.ts';
import { openRepaFolder, type RepaFolder, readLatent, repaDataset } from './repa-folder.ts';
import {
  countLabels,
  type DataSource,
  describeData,
  type FeatureContext,
  type Splits,
  splitDataset,
} from './source.ts';

/** A folder as REPA's preprocessing writes it. */
export interface RepaDataOptions {
  /** Folder that holds vae-sd and images, as folders or .zip. */
  readonly path: string;
  /** Threads that decode images, default 2; 0 decodes in the main one. */
  readonly threads?: number;
  /** Share of the images that is never trained on, chosen by name; default 0. */
  readonly holdOut?: number;
}

/** REPA's latents are an eighth of the image. */
const REPA_STRIDE = 8;

async function splitFolder(
  { path, holdOut = 0 }: RepaDataOptions,
  whole: RepaFolder,
  every: ImageDataset,
  context: FeatureContext,
): Promise<Splits> {
  const { config } = context.files;
  if (vaeStride(config) !== REPA_STRIDE || config.latentChannels !== whole.shape[2])
    throw userError(
      `${path} has latents of ${whole.shape[2]} channels at an eighth of the image, and the VAE makes ${config.latentChannels} at 1/${vaeStride(config)}: set vae to the one that made them.`,
    );
  const rows = await goodRows(every, context, (row) =>
    Promise.all([every.image(row), readLatent(whole, row)]),
  );
  const images = selectImages(every, rows);
  const folder = { ...whole, files: Array.from(rows, (row) => whole.files[row] as string) };
  const encoder =
    context.request.groups.length > 0
      ? featureEncoder(context, await fitNorms(context, images, { batch: FIT_BATCH }, context.reporter))
      : undefined;
  const all = repaDataset(folder, images, config, encoder);
  return { ...splitDataset(all, images.names, holdOut), dispose: () => encoder?.dispose() };
}

/** Opens REPA's folder as data, and says what was found. @throws an error the user can fix where latents and images do not pair up. */
export async function openRepaData(options: RepaDataOptions, reporter?: Reporter): Promise<DataSource> {
  const folder = await openRepaFolder(options.path);
  const size = folder.shape[0] * REPA_STRIDE;
  const images = sourceDataset(folder.images, size, options.threads);
  const { classes, labels } = folder.images;
  const counts = countLabels(labels, classes);
  reporter?.say(describeData(options.path, { classes, counts }));
  return {
    size,
    classes,
    counts,
    splits: (context) => splitFolder(options, folder, images, context),
    close: async () => {
      await images.close();
      await folder.latents.close();
    },
  };
}
