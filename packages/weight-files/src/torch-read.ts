/** Whole PyTorch files in memory. */
import { byteLength, type StoredTensor, type TensorEntry } from './dtype.ts';
import { bytesSource } from './source.ts';
import { isTensor } from './state-dict.ts';
import { openTorch, type TorchFile, type TorchValue, torchValue } from './torch.ts';
import { Unread } from './unread.ts';

/** Tensors of a file may share storages or be expanded, but not so that together they take much more than the file. */
const MAX_SHARING = 4;
const FREE_BYTES = 16 << 20;

/**
 * Checks the total size of tensors that share storages.
 * @throws Error where it is many times the size of the file
 */
export function checkTotal(tensors: Iterable<StoredTensor>, fileBytes: number, source: string): void {
  let total = 0;
  for (const { dtype, shape } of tensors) total += byteLength(dtype, shape) ?? Number.POSITIVE_INFINITY;
  if (total > MAX_SHARING * fileBytes + FREE_BYTES) {
    throw new Error(
      `${source}: the tensors take ${total} bytes in a file of ${fileBytes}, wanted at most ${MAX_SHARING} times its size and ${FREE_BYTES >> 20} MiB; save a smaller state dict.`,
    );
  }
}

function isContainer<T>(
  value: TorchValue<T>,
): value is Exclude<TorchValue<T>, Uint8Array | Unread | null> & object {
  return (
    typeof value === 'object' &&
    value !== null &&
    !(value instanceof Uint8Array) &&
    !(value instanceof Unread)
  );
}

function collect(value: TorchValue<StoredTensor>, seen: Set<unknown>, found: Set<StoredTensor>): void {
  if (!isContainer(value) || seen.has(value)) return;
  seen.add(value);
  if (isTensor<StoredTensor>(value)) found.add(value);
  else for (const item of Object.values(value)) collect(item, seen, found);
}

function replace(
  value: TorchValue<StoredTensor>,
  loaded: ReadonlyMap<unknown, TensorEntry | Unread>,
  done: Map<unknown, TorchValue>,
): TorchValue {
  if (!isContainer(value)) return value as TorchValue;
  const known = loaded.get(value) ?? done.get(value);
  if (known !== undefined) return known;
  const children = Object.entries(value).map(([key, item]) => [key, replace(item, loaded, done)] as const);
  const copy = Array.isArray(value)
    ? children.map(([, item]) => item)
    : Object.assign(Object.create(null), Object.fromEntries(children));
  done.set(value, copy);
  return copy;
}

async function loadAll(
  { value, size }: Omit<TorchFile, 'close'>,
  source: string,
): Promise<{ value: TorchValue }> {
  const tensors = new Set<StoredTensor>();
  collect(value, new Set(), tensors);
  checkTotal(tensors, size, source);
  const loaded = new Map<unknown, TensorEntry | Unread>();
  for (const tensor of tensors) {
    const entry = await tensor
      .read()
      .catch(({ message }: Error) => new Unread(`a tensor with an error: ${message}`));
    loaded.set(tensor, entry);
  }
  return { value: replace(value, loaded, new Map()) };
}

/**
 * Reads a whole PyTorch file; to read some of its tensors only, use `openTorch`.
 * @throws Error where the file cannot be opened, is damaged or big-endian
 */
export async function readTorch(path: string): Promise<{ value: TorchValue }> {
  const file = await openTorch(path);
  return loadAll(file, path).finally(() => file.close());
}

/**
 * Parses the bytes of a whole PyTorch file; `source` names it in errors.
 * @throws Error where the bytes are damaged or big-endian
 */
export async function parseTorch(bytes: Uint8Array, source = 'PyTorch data'): Promise<{ value: TorchValue }> {
  return loadAll(await torchValue(bytesSource(bytes, source)), source);
}
