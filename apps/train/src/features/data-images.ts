/** Images that are encoded in every step. */
import { openImages } from '@ahpa/image-data';
import { userError } from '@ahpa/messages';
import type { ImagesData } from '../config/types.ts';
import { cutByName, type Data, type FeatureContext, once, type Sides } from './data.ts';
import { featureEncoder } from './encoder.ts';
import { onlineExamples } from './examples.ts';
import { fitNorms, needsFit } from './fit.ts';
import type { FittedNorms } from './norms.ts';
import { type Pictures, sourcePictures } from './pictures.ts';

/** Images encoded together while statistics are fitted. */
const FIT_BATCH = 16;

/** Opens a part of a source; what is wrong with it is the user's to mend. */
async function openPart(
  { path, labels, size, threads }: ImagesData,
  within: string | null,
): Promise<Pictures> {
  const source = await openImages(path, { within: within ?? undefined, labels: labels ?? undefined }).catch(
    (cause: Error) => {
      throw userError(cause.message, { cause });
    },
  );
  return sourcePictures(source, size, threads);
}

/** Statistics of the images, fitted now. */
export async function fittedNorms(
  pictures: Pictures,
  { files, vae, request, reporter }: FeatureContext,
): Promise<FittedNorms> {
  if (!needsFit(request)) return {};
  const raw = featureEncoder(vae, files.config, request);
  const bar = reporter.progress(
    'fitting statistics',
    Math.min(request.hierarchy.calibration, pictures.names.length),
  );
  return fitNorms(raw, pictures, files.config, request, FIT_BATCH, (done) =>
    bar.update(done, undefined),
  ).finally(() => {
    bar.stop();
    raw.dispose();
  });
}

async function sidesOf(config: ImagesData, train: Pictures, context: FeatureContext): Promise<Sides> {
  const { files, vae, request } = context;
  const encoder = featureEncoder(vae, files.config, request, await fittedNorms(train, context));
  const cut = cutByName(onlineExamples(train, encoder), train.names, config.holdOut);
  const opened: Pictures[] = [];
  const other = once(async () => {
    const pictures = await openPart(config, config.heldOut);
    opened.push(pictures);
    if (pictures.classes.join() !== train.classes.join())
      throw userError(
        `${pictures.path} has other classes than ${train.path}: wanted the same folders in both.`,
      );
    return onlineExamples(pictures, encoder);
  });
  return {
    train: cut.train,
    heldOut: config.heldOut === null ? once(cut.heldOut) : other,
    dispose: () => {
      encoder.dispose();
      for (const pictures of opened) void pictures.close();
    },
  };
}

/** Opens images as data. */
export async function openImagesData(config: ImagesData): Promise<Data> {
  const train = await openPart(config, config.within);
  return {
    size: config.size,
    classes: train.classes,
    examples: (context) => sidesOf(config, train, context),
    close: train.close,
  };
}
