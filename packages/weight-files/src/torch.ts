/** PyTorch files (`.pt`, `.pth`, `.ckpt`, `.bin`; torch 1.6 or later), read tensor by tensor without running their code. */
import { type DType, ELEMENT_BYTES, quote, type TensorEntry } from './dtype.ts';
import { unpickle } from './pickle.ts';
import { type Scalar, type StridedTensor, toPlain } from './pickle-value.ts';
import { openSource, type Source } from './source.ts';
import { gather, isContiguous } from './strided.ts';
import { entryData, readDirectory, type ZipEntry } from './zip.ts';

/** A tensor that is still in its file. */
export interface StoredTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** The tensor in row-major order. */
  read(): Promise<TensorEntry>;
}

/** Content of a file: dicts and namespaces as records without prototype, lists and tuples as arrays. */
export type TorchValue<T = TensorEntry> =
  | Scalar
  | T
  | readonly TorchValue<T>[]
  | { readonly [key: string]: TorchValue<T> };

/** An open file; its tensors can be read until it is closed. */
export interface TorchFile {
  readonly value: TorchValue<StoredTensor>;
  /** Bytes of the file. */
  readonly size: number;
  close(): Promise<void>;
}

const MAX_PICKLE_BYTES = 1 << 24;

/** First bytes of torch.save before 1.6: a pickled magic number. */
const LEGACY = [0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

async function checkForm(source: Source): Promise<void> {
  const start = await source.read(0, Math.min(LEGACY.length, source.size));
  if (start.length === LEGACY.length && LEGACY.every((byte, i) => start[i] === byte)) {
    throw new Error(
      `${source.name}: the file has PyTorch's form from before 1.6, which is not read; load it with a newer torch and save it again with torch.save.`,
    );
  }
  if (start[0] !== 0x50 || start[1] !== 0x4b)
    throw new Error(
      `${source.name}: the file is neither a zip archive of torch.save nor safetensors; was it downloaded whole?`,
    );
}

interface Archive {
  readonly source: Source;
  readonly entries: ReadonlyMap<string, ZipEntry>;
  readonly folder: string;
}

async function openArchive(source: Source): Promise<Archive> {
  await checkForm(source);
  const entries = await readDirectory(source);
  const deflated = [...entries.values()].find((entry) => entry.deflated);
  if (deflated) {
    throw new Error(
      `${source.name}: archive entry ${quote(deflated.name)} is compressed, wanted it stored; save it again with torch.save.`,
    );
  }
  const pickles = [...entries.keys()].filter((name) => /^[^/]+\/data\.pkl$/.test(name));
  if (pickles.length !== 1) {
    throw new Error(
      `${source.name}: the archive has ${pickles.length} entries named data.pkl, wanted one; it was not written by torch.save.`,
    );
  }
  return { source, entries, folder: (pickles[0] as string).slice(0, -'data.pkl'.length) };
}

async function readEntry(
  { source, entries, folder }: Archive,
  name: string,
): Promise<Uint8Array | undefined> {
  const entry = entries.get(folder + name);
  if (!entry) return undefined;
  if (entry.size > MAX_PICKLE_BYTES) {
    throw new Error(
      `${source.name}: ${name} has ${entry.size} bytes, wanted at most ${MAX_PICKLE_BYTES} beside the tensors.`,
    );
  }
  return source.read(await entryData(source, entry), entry.size);
}

async function readTensor(archive: Archive, tensor: StridedTensor): Promise<TensorEntry> {
  const { storage, offset, shape, strides } = tensor;
  const { source, entries, folder } = archive;
  const entry = entries.get(`${folder}data/${storage.key}`);
  const width = ELEMENT_BYTES.get(storage.dtype) as number;
  if (entry?.size !== storage.count * width) {
    throw new Error(
      `${source.name}: storage ${quote(storage.key)} has ${entry ? `${entry.size} bytes` : 'no entry'}, wanted ${storage.count} elements of ${storage.dtype}.`,
    );
  }
  const empty = shape.includes(0);
  const last = shape.reduce((sum, length, i) => sum + (length - 1) * (strides[i] as number), 0);
  const begin = (await entryData(source, entry)) + offset * width;
  const bytes = await source.read(begin, empty ? 0 : (last + 1) * width);
  const data = empty || isContiguous(shape, strides) ? bytes : gather(bytes, shape, strides, width);
  return { dtype: storage.dtype, shape, data };
}

/**
 * The content of a PyTorch archive in `source`, tensors unread.
 * @throws Error where the archive is damaged, big-endian or uses unsupported Python names
 */
export async function torchValue(source: Source): Promise<TorchValue<StoredTensor>> {
  const archive = await openArchive(source);
  const order = await readEntry(archive, 'byteorder');
  if (order && new TextDecoder().decode(order) !== 'little')
    throw new Error(`${source.name}: the tensors are big-endian, wanted little-endian; save the file again.`);
  const root = unpickle((await readEntry(archive, 'data.pkl')) as Uint8Array, source.name);
  const leaves = {
    tensor: (tensor: StridedTensor): StoredTensor => ({
      dtype: tensor.storage.dtype,
      shape: tensor.shape,
      read: () => readTensor(archive, tensor),
    }),
    array: (entry: TensorEntry): StoredTensor => ({ ...entry, read: async () => entry }),
  };
  return toPlain(root, leaves, (problem) => {
    throw new Error(`${source.name}: ${problem}.`);
  });
}

/**
 * Opens a PyTorch file and reads everything but its tensors, which are read one by one.
 * @throws Error where the file cannot be opened or read
 */
export async function openTorch(path: string): Promise<TorchFile> {
  const source = await openSource(path);
  try {
    return { value: await torchValue(source), size: source.size, close: source.close };
  } catch (error) {
    await source.close();
    throw error;
  }
}
