/** PyTorch files (`.pt`, `.pth`, `.ckpt`, `.bin`, TorchScript), read tensor by tensor without running their code. */
import { ELEMENT_BYTES, type StoredTensor, type TensorEntry } from './dtype.ts';
import { type Plain, toPlain } from './pickle-plain.ts';
import type { StridedTensor } from './pickle-value.ts';
import { openSource, type Source } from './source.ts';
import { gather, isContiguous } from './strided.ts';
import { archiveContent } from './torch-archive.ts';
import type { TorchContent } from './torch-content.ts';
import { isLegacy, legacyContent, START_BYTES } from './torch-legacy.ts';

/**
 * Content of a file: dicts and namespaces as records without prototype, lists, tuples and sets as arrays, whole modules as
 * their state dicts, complex numbers as `{ real, imag }`, devices and element types as text, and `Unread` for the rest.
 */
export type TorchValue<T = TensorEntry> = Plain<T>;

/** An open file; its tensors can be read until it is closed. */
export interface TorchFile {
  readonly value: TorchValue<StoredTensor>;
  /** Bytes of the file, unpacked. */
  readonly size: number;
  close(): Promise<void>;
}

type Form = 'old' | 'archive' | undefined;

async function formOf(source: Source): Promise<Form> {
  const start = await source.read(0, Math.min(START_BYTES, source.size));
  if (isLegacy(start)) return 'old';
  return start[0] === 0x50 && start[1] === 0x4b ? 'archive' : undefined;
}

/**
 * Whether a file starts as PyTorch's do.
 * @throws the file system's error
 */
export async function isTorch(path: string): Promise<boolean> {
  const source = await openSource(path);
  return (await formOf(source).finally(() => source.close())) !== undefined;
}

async function openContent(source: Source): Promise<TorchContent> {
  const form = await formOf(source);
  if (form === 'old') return legacyContent(source);
  if (form === 'archive') return archiveContent(source);
  throw new Error(`${source.name}: the file is neither PyTorch's nor safetensors; was it downloaded whole?`);
}

async function readTensor(content: TorchContent, tensor: StridedTensor): Promise<TensorEntry> {
  const { storage, offset, shape, strides } = tensor;
  const { dtype, begin } = storage;
  const width = ELEMENT_BYTES.get(dtype) as number;
  const empty = shape.includes(0);
  const span = shape.reduce((sum, length, i) => sum + (length - 1) * (strides[i] as number), 1);
  const bytes = await content.read(storage, begin + offset * width, empty ? 0 : span * width);
  const data = empty || isContiguous(shape, strides) ? bytes : gather(bytes, shape, strides, width);
  return { dtype, shape, data };
}

/** Plain data of a file in `source`, tensors unread, and the unpacked size of the file. */
export async function torchValue(source: Source): Promise<Omit<TorchFile, 'close'>> {
  const content = await openContent(source);
  const value = toPlain<StoredTensor>(content.root, {
    tensor: (tensor) => ({
      dtype: tensor.storage.dtype,
      shape: tensor.shape,
      read: () => readTensor(content, tensor),
    }),
    array: (entry) => ({ ...entry, read: async () => entry }),
  });
  return { value, size: content.bytes };
}

/**
 * Opens a PyTorch file and reads everything but its tensors, which are read one by one.
 * @throws Error where the file cannot be opened, is damaged or big-endian
 */
export async function openTorch(path: string): Promise<TorchFile> {
  const source = await openSource(path);
  try {
    return { ...(await torchValue(source)), close: source.close };
  } catch (error) {
    await source.close();
    throw error;
  }
}
