/** Whole PyTorch files in memory, and the state dict in them. */
import { byteLength, quote, type TensorEntry } from './dtype.ts';
import { bytesSource } from './source.ts';
import { openTorch, type StoredTensor, type TorchValue, torchValue } from './torch.ts';

/** Tensors of a file may share storages, but not so that together they take more than this many times its size. */
const MAX_SHARING = 4;

type Tensor = StoredTensor | TensorEntry;

/** Records of a file hold neither functions nor byte arrays. */
function isTensor<T extends Tensor>(value: TorchValue<T> | undefined): value is T {
  if (typeof value !== 'object' || value === null) return false;
  const { read, data } = value as Partial<StoredTensor & TensorEntry>;
  return typeof read === 'function' || data instanceof Uint8Array;
}

type TorchRecord<T> = { readonly [key: string]: TorchValue<T> };

function isRecord<T extends Tensor>(value: TorchValue<T> | undefined): value is TorchRecord<T> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isTensor<T>(value);
}

/**
 * Checks the total size of tensors that share storages.
 * @throws Error where it is many times the size of the file
 */
export function checkTotal(tensors: Iterable<StoredTensor>, fileBytes: number, source: string): void {
  let total = 0;
  for (const { dtype, shape } of tensors) total += byteLength(dtype, shape) ?? Number.POSITIVE_INFINITY;
  if (total > MAX_SHARING * fileBytes) {
    throw new Error(
      `${source}: the tensors take ${total} bytes in a file of ${fileBytes}, wanted at most ${MAX_SHARING} times its size; save a smaller state dict.`,
    );
  }
}

function collect(value: TorchValue<StoredTensor>, seen: Set<unknown>, found: Set<StoredTensor>): void {
  if (typeof value !== 'object' || value === null || seen.has(value)) return;
  seen.add(value);
  if (isTensor<StoredTensor>(value)) found.add(value);
  else for (const item of Object.values(value)) collect(item, seen, found);
}

function replace(
  value: TorchValue<StoredTensor>,
  loaded: ReadonlyMap<unknown, TensorEntry>,
  done: Map<unknown, TorchValue>,
): TorchValue {
  if (typeof value !== 'object' || value === null) return value;
  const known = loaded.get(value) ?? done.get(value);
  if (known !== undefined) return known;
  const children = Object.entries(value as TorchRecord<StoredTensor>).map(
    ([key, item]) => [key, replace(item, loaded, done)] as const,
  );
  const copy = Array.isArray(value)
    ? children.map(([, item]) => item)
    : Object.assign(Object.create(null), Object.fromEntries(children));
  done.set(value, copy);
  return copy;
}

async function loadAll(
  value: TorchValue<StoredTensor>,
  fileBytes: number,
  source: string,
): Promise<{ value: TorchValue }> {
  const tensors = new Set<StoredTensor>();
  collect(value, new Set(), tensors);
  checkTotal(tensors, fileBytes, source);
  const loaded = new Map<unknown, TensorEntry>();
  for (const tensor of tensors) loaded.set(tensor, await tensor.read());
  return { value: replace(value, loaded, new Map()) };
}

/**
 * Reads a whole PyTorch file; to read some of its tensors only, use `openTorch`.
 * @throws Error where the file cannot be read, is damaged or uses unsupported Python names
 */
export async function readTorch(path: string): Promise<{ value: TorchValue }> {
  const file = await openTorch(path);
  return loadAll(file.value, file.size, path).finally(() => file.close());
}

/**
 * Parses the bytes of a whole PyTorch file; `source` names it in errors.
 * @throws Error where the bytes are damaged or use unsupported Python names
 */
export async function parseTorch(bytes: Uint8Array, source = 'PyTorch data'): Promise<{ value: TorchValue }> {
  return loadAll(await torchValue(bytesSource(bytes, source)), bytes.length, source);
}

function holdsTensors<T extends Tensor>(value: TorchValue<T>): value is TorchRecord<T> {
  return isRecord<T>(value) && Object.values(value).some((item) => isTensor<T>(item));
}

/** The dict of tensors: the entry `part`, or the value itself, or the only entry that holds tensors. */
function selectPart<T extends Tensor>(value: TorchValue<T>, part: string | undefined): TorchRecord<T> {
  if (!isRecord<T>(value)) throw new Error('The PyTorch file holds no dict, wanted a state dict.');
  const parts = Object.keys(value).filter((key) => holdsTensors<T>(value[key] as TorchValue<T>));
  const isDict = holdsTensors<T>(value);
  if (part === undefined && isDict && parts.length === 0) return value;
  const only = isDict || parts.length !== 1 ? '' : (parts[0] as string);
  const chosen = value[part ?? only];
  if (!isRecord<T>(chosen)) {
    throw new Error(
      `The PyTorch file holds no ${part === undefined ? 'single state dict' : `state dict ${quote(part)}`}; its entries are ${Object.keys(value).slice(0, 12).map(quote).join(', ')}, of which ${parts.map(quote).join(', ') || 'none'} hold tensors; name one of those.`,
    );
  }
  return chosen;
}

/**
 * The tensors of a state dict by name. `part` names the entry of a training checkpoint (`model`, `ema`, `state_dict`); without
 * it the value is the state dict or has just one. Prefixes `module.` and `_orig_mod.` of wrapped models are stripped.
 * @throws Error where the part is missing or ambiguous, or an entry is no tensor
 */
export function torchStateDict<T extends StoredTensor | TensorEntry>(
  value: TorchValue<T>,
  part?: string,
): Record<string, T> {
  const dict: Record<string, T> = Object.create(null);
  for (const [key, item] of Object.entries(selectPart(value, part))) {
    const name = key.replace(/^(?:(?:module|_orig_mod)\.)+/, '');
    if (!isTensor<T>(item))
      throw new Error(`State dict entry ${quote(key)} is no tensor; name the part that holds the tensors.`);
    if (name in dict)
      throw new Error(`State dict entry ${quote(key)} has the same name as another: ${quote(name)}.`);
    dict[name] = item;
  }
  return dict;
}
