/** The whole content of a PyTorch file for inspection: state dicts by part, other tensors, and values that are not read. */
import {
  isRecord,
  isTensor,
  openTorch,
  type StoredTensor,
  type TensorEntry,
  type TorchValue,
  torchPartNames,
  Unread,
} from '@ahpa/weight-files';

/** Content of a file. */
export interface TorchInventory {
  /** Tensors by name of each state dict; '' names a file that is one. */
  readonly parts: Readonly<Record<string, Readonly<Record<string, TensorEntry>>>>;
  /** Names and tensors outside a state dict, such as the state of a random generator. */
  readonly loose: Readonly<Record<string, TensorEntry>>;
  /** Paths and descriptions of the values that are not read. */
  readonly unread: readonly string[];
  /** Those of them that are entries of a state dict. */
  readonly problems: readonly string[];
}

type Stored = TorchValue<StoredTensor>;

const MOST_LISTED = 20;

const join = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`);

/** Values that are not read and tensors below a value, by their paths; no more than are listed. */
function* walk(
  value: Stored,
  path: string,
  seen: Set<unknown>,
): Generator<readonly [string, Unread | StoredTensor]> {
  if (typeof value !== 'object' || value === null || seen.has(value)) return;
  seen.add(value);
  if (value instanceof Unread || isTensor<StoredTensor>(value)) yield [path, value];
  else if (!(value instanceof Uint8Array))
    for (const [key, item] of Object.entries(value)) yield* walk(item as Stored, join(path, key), seen);
}

const shorten = (lines: readonly string[]): readonly string[] =>
  lines.length <= MOST_LISTED
    ? lines
    : [...lines.slice(0, MOST_LISTED), `and ${lines.length - MOST_LISTED} more`];

/**
 * Reads everything in a PyTorch file; a tensor that cannot be read is listed with the reason.
 * @throws Error where the file cannot be opened or its pickle is damaged
 */
export async function takeInventory(path: string): Promise<TorchInventory> {
  const file = await openTorch(path);
  try {
    const names = torchPartNames(file.value);
    const parts: Record<string, Record<string, TensorEntry>> = {};
    const loose: Record<string, TensorEntry> = {};
    const [unread, problems]: [string[], string[]] = [[], []];
    const read = async (
      at: string,
      value: Stored,
      into: Record<string, TensorEntry>,
      name: string,
    ): Promise<void> => {
      const found =
        value instanceof Unread || !isTensor<StoredTensor>(value)
          ? value
          : await value.read().catch(({ message }: Error) => new Unread(message));
      if (found instanceof Unread) {
        unread.push(`${at === '' ? 'the content' : at} is ${found.what}`);
        if (into !== loose) problems.push(`${at} is not read: it is ${found.what}`);
      } else if (isTensor<TensorEntry>(found as TensorEntry)) into[name] = found as TensorEntry;
    };
    const readDict = async (part: string, dict: Readonly<Record<string, Stored>>): Promise<void> => {
      const own: Record<string, TensorEntry> = {};
      parts[part] = own;
      for (const [key, item] of Object.entries(dict))
        await read(join(part, key), item, own, key.replace(/^(?:(?:module|_orig_mod)\.)+/, ''));
    };
    const { value } = file;
    const isDict =
      names.length === 0 && isRecord(value) && Object.values(value).some((item) => isTensor(item));
    if (isDict) await readDict('', value as never);
    else {
      const seen = new Set<unknown>();
      for (const name of names) {
        await readDict(name, (value as never)[name]);
        seen.add((value as never)[name]);
      }
      for (const [at, item] of walk(value, '', seen)) await read(at, item, loose, at);
    }
    return { parts, loose, unread: shorten(unread), problems: shorten(problems) };
  } finally {
    await file.close();
  }
}
