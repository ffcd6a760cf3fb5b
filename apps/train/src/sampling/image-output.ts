/** Outputs of generated images: an ADM `.npz` file or a folder of PNGs, both written batch by batch and completed at the end. */
import { existsSync } from 'node:fs';
import { mkdir, open, rm, statfs } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import { userError } from '@ahpa/messages';
import { createNpz, type NpyForm } from '@ahpa/weight-files';
import sharp from 'sharp';
import type { GridImages } from '../files/image-grid.ts';
import { type Marks, openMarks } from './batch-marks.ts';
import type { GenerateRequest, OutputPaths } from './generate-request.ts';

/** An output that is being written. */
export interface Output {
  readonly marks: Marks;
  /** Writes the images and labels from index `first` on, then marks their batch. */
  write(batch: number, first: number, images: GridImages, labels: readonly number[]): Promise<void>;
  /** Completes the output if every batch is there; resolves to whether it is complete. */
  finish(): Promise<boolean>;
  close(): Promise<void>;
}

type Writer = Pick<Output, 'close'> & {
  write(first: number, images: GridImages, labels: readonly number[]): Promise<void>;
  finish(): Promise<void>;
};

/** Whether the output is complete. An `.npz` gets its name last; a folder of PNGs loses its marks last. */
export async function isComplete(
  { out, progress }: OutputPaths,
  { images }: GenerateRequest,
): Promise<boolean> {
  if (!out.endsWith('.npz')) return existsSync(join(out, pngName(images - 1))) && !existsSync(progress);
  if (!existsSync(out)) return false;
  await rm(progress, { force: true });
  return true;
}

/** Extensions of files that a folder is not named after. */
const FILES =
  /^\.(png|jpe?g|webp|gif|tiff?|bmp|avif|np[yz]|zip|tar|tgz|gz|parquet|safetensors|pt|pth|h5|html?|json|csv)$/i;

/** Refuses a name that promises a format which is not written. @throws an error the user can fix */
export function checkOutputName(out: string): void {
  if (out.endsWith('.npz') || !FILES.test(extname(out)) || existsSync(join(out, '.'))) return;
  throw userError(`${out} ends in "${extname(out)}", wanted a .npz file, or the name of a folder for PNGs.`);
}

/** Checks the free space for an `.npz` file that is not begun. @throws where the disk cannot hold it. */
export async function checkSpace(
  { out, progress }: OutputPaths,
  { images, size }: GenerateRequest,
): Promise<void> {
  if (!out.endsWith('.npz') || existsSync(progress) || existsSync(out)) return;
  const bytes = images * (size ** 2 * 3 + 8);
  const { bavail, bsize } = await statfs(dirname(out));
  if (bavail * bsize >= bytes) return;
  const [wanted, free] = [bytes, bavail * bsize].map(
    (value) => `${Math.ceil(value / 1e6).toLocaleString('en')} MB`,
  );
  throw userError(`${out} takes ${wanted} and the disk has ${free} left: free some or choose another --out.`);
}

/** Opens a claimed output, new or begun. */
export async function openOutput(paths: OutputPaths, request: GenerateRequest): Promise<Output> {
  const batches = Math.ceil(request.images / request.batch);
  const marks = await openMarks(paths.progress, batches);
  const started = Array.from({ length: batches }, (_, k) => marks.has(k)).includes(true);
  const writer = await openWriter(paths, request, started).catch(async (error) => {
    await marks.close();
    throw error;
  });
  return {
    marks,
    write: async (batch, first, images, labels) => {
      await writer.write(first, images, labels);
      await marks.mark(batch);
    },
    finish: async () => {
      if (!(await marks.complete())) return false;
      await writer.finish();
      await rm(paths.progress, { force: true });
      return true;
    },
    close: async () => {
      await writer.close();
      await marks.close();
    },
  };
}

const openWriter = (paths: OutputPaths, request: GenerateRequest, started: boolean): Promise<Writer> =>
  paths.out.endsWith('.npz') ? npzWriter(paths, request, started) : pngWriter(paths.out);

/** NumPy's names for what ADM saves: images `[n, H, W, 3]` and their classes. */
const forms = ({ images, size }: GenerateRequest): Record<'arr_0' | 'arr_1', NpyForm> => ({
  arr_0: { dtype: 'U8', shape: [images, size, size, 3] },
  arr_1: { dtype: 'I64', shape: [images] },
});

async function npzWriter(
  { out, progress }: OutputPaths,
  request: GenerateRequest,
  started: boolean,
): Promise<Writer> {
  const npz = await createNpz(out, forms(request), { goOn: started }).catch(
    (cause: NodeJS.ErrnoException) => {
      if (cause.code !== 'ENOENT' || !started) throw cause;
      throw userError(
        `${out}.partial is gone, and ${progress} says that images were drawn into it: delete ${progress} to start over.`,
        { cause },
      );
    },
  );
  return {
    write: async (first, { data }, labels) => {
      await npz.write('arr_0', first, data);
      const classes = BigInt64Array.from(labels, BigInt);
      await npz.write('arr_1', first, new Uint8Array(classes.buffer));
      await npz.sync();
    },
    finish: () =>
      npz.finish().catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT' || !existsSync(out)) throw error; // otherwise another process was faster
      }),
    close: npz.close,
  };
}

const pngName = (index: number): string => `${String(index).padStart(6, '0')}.png`;

async function pngWriter(folder: string): Promise<Writer> {
  await mkdir(folder, { recursive: true });
  const write = async (path: string, bytes: Uint8Array): Promise<void> => {
    const file = await open(path, 'w');
    try {
      await file.writeFile(bytes);
      await file.datasync();
    } finally {
      await file.close();
    }
  };
  return {
    write: async (first, { data, shape: [n, height, width, channels] }) => {
      for (let i = 0; i < n; i++) {
        const length = height * width * channels;
        const raw = data.subarray(i * length, (i + 1) * length);
        const png = await sharp(raw, { raw: { width, height, channels } }).png().toBuffer();
        await write(join(folder, pngName(first + i)), png);
      }
    },
    finish: async () => undefined,
    close: async () => undefined,
  };
}
