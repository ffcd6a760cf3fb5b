/** Labelled square images, decoded on request. */
import {
  createDecoder,
  type Decoded,
  type ImageSource,
  imageList,
  type LeftOut,
  openImages,
  orderHash,
} from '@ahpa/image-data';
import { isUserError, userError } from '@ahpa/messages';

/** Images of one size in a fixed order. */
export interface ImageDataset {
  /** Path or name of the source, for messages. */
  readonly path: string;
  /** Side in pixels. */
  readonly size: number;
  readonly names: readonly string[];
  /** Class index of every image. */
  readonly labels: Int32Array<ArrayBuffer>;
  /** Name of every class, by index. */
  readonly classes: readonly string[];
  /** Files beside the images that are not read. */
  readonly leftOut: readonly LeftOut[];
  /** Equal where images and order are; of names and labels where pixels are too many to hash. */
  readonly sha256: string;
  /** Pixels `[size, size, 3]` of one image. @throws where its file is damaged; an error the user can fix where it cannot be read. */
  image(row: number): Promise<Decoded>;
  close(): Promise<void>;
}

/** Crop, labels and threads of an image source. */
export interface ImageDatasetOptions {
  /** Side in pixels of the centre crop. */
  readonly size: number;
  /** Folder inside the source; for shards, the prefix of their names. */
  readonly within?: string | null | undefined;
  /** A `dataset.json` with labels; default the source's own, or its folders. */
  readonly labels?: string | null | undefined;
  /** Threads that decode, default 2; 0 decodes in the main one. */
  readonly threads?: number | undefined;
}

/** Opens a folder, .zip, .tar or .parquet of images. @throws an error the user can fix where it holds no images. */
export async function openImageDataset(
  path: string,
  { size, within, labels, threads }: ImageDatasetOptions,
): Promise<ImageDataset> {
  const source = await openImages(path, {
    within: within ?? undefined,
    labels: labels ?? undefined,
  }).catch((cause: Error) => {
    throw userError(cause.message, { cause });
  });
  if (source.names.length > 0) return sourceDataset(source, size, threads);
  await source.close();
  throw userError(`${path}: there are no images.`);
}

/** Whether an error is the system's and not the file's content's, such as EIO of a disk that is gone. */
const isSystemError = (error: unknown): boolean =>
  error instanceof Error &&
  (/^E(?!RR_)[A-Z0-9]+$/.test((error as NodeJS.ErrnoException).code ?? '') || isSystemError(error.cause));

/** The file of an image. @throws an error the user can fix where the system cannot read it */
async function readFile({ path, names, read }: ImageSource, row: number): Promise<Uint8Array> {
  return read(row).catch((cause: Error) => {
    if (!isSystemError(cause)) throw cause;
    throw userError(
      `${path}: ${names[row]} cannot be read (${cause.message}): nothing is known about the image, so this stops here; bring the files back and run the same command again.`,
      { cause },
    );
  });
}

/** The images of an open source, which is closed with the data set; `threads` as in `openImageDataset`. */
export function sourceDataset(source: ImageSource, size: number, threads = 2): ImageDataset {
  const decoder = createDecoder(threads);
  const { path, names, labels, classes, leftOut } = source;
  return {
    path,
    size,
    names,
    labels,
    classes,
    leftOut,
    sha256: orderHash(source),
    image: async (row) => decoder.decode(await readFile(source, row), size),
    close: async () => {
      await decoder.close();
      await source.close();
    },
  };
}

/** Decoded images in memory, `[n, size, size, 3]`; `path` names them in messages. */
export interface ImagesInMemory
  extends Pick<ImageDataset, 'path' | 'size' | 'names' | 'labels' | 'classes' | 'sha256'> {
  readonly images: Uint8Array<ArrayBuffer>;
}

/** The images `rows` of those in memory. */
export function memoryDataset(all: ImagesInMemory, rows: Uint32Array<ArrayBuffer>): ImageDataset {
  const stride = all.size * all.size * 3;
  const names = Array.from(rows, (row) => all.names[row] as string);
  const labels = Int32Array.from(rows, (row) => all.labels[row] as number);
  return {
    path: all.path,
    size: all.size,
    names,
    labels,
    classes: all.classes,
    leftOut: [],
    sha256: `${all.sha256}/${orderHash({ names, labels })}`,
    image: async (row) => {
      const offset = (rows[row] as number) * stride;
      return { pixels: all.images.subarray(offset, offset + stride), remarks: [] };
    },
    close: async () => undefined,
  };
}

/** The images `rows` of a data set. */
export function selectImages(all: ImageDataset, rows: Uint32Array): ImageDataset {
  if (rows.length === all.names.length) return all;
  const names = Array.from(rows, (row) => all.names[row] as string);
  const labels = Int32Array.from(rows, (row) => all.labels[row] as number);
  const sha256 = orderHash({ names, labels });
  return { ...all, names, labels, sha256, image: (row) => all.image(rows[row] as number) };
}

/** Images labelled by the classes of another data set, matched by name. @throws an error the user can fix where one is not among them */
export function withClasses(images: ImageDataset, classes: readonly string[], of: string): ImageDataset {
  if (images.classes.join('\n') === classes.join('\n')) return images;
  const unknown = images.classes.find((name) => !classes.includes(name));
  if (unknown !== undefined)
    throw userError(
      `${images.path} has the class ${unknown}, which ${of} lacks: wanted images of its classes alone.`,
    );
  const label = images.classes.map((name) => classes.indexOf(name));
  const labels = images.labels.map((own) => label[own] as number);
  return { ...images, classes, labels, sha256: orderHash({ names: images.names, labels }) };
}

/** Pixels of the images `rows`. @throws an error the user can fix where one is damaged. */
export async function readImages(images: ImageDataset, rows: Uint32Array): Promise<Uint8Array[]> {
  const read = Array.from(rows, (row) =>
    images.image(row).catch((cause: Error) => {
      if (isUserError(cause)) throw cause;
      throw userError(
        `${images.path}: ${images.names[row]} is bad (${cause.message.trim()}): remove it, or use ahpa extract, which leaves it out.`,
        { cause },
      );
    }),
  );
  return (await Promise.all(read)).map(({ pixels }) => pixels);
}

/** Names and labels as the file beside a cache. */
export const encodeImageList = ({ names, labels }: Pick<ImageDataset, 'names' | 'labels'>): Uint8Array =>
  new TextEncoder().encode(imageList({ names, labels }));
