/** The state dict in the content of a PyTorch file. */
import { quote, type StoredTensor, type TensorEntry } from './dtype.ts';
import type { TorchValue } from './torch.ts';
import { Unread } from './unread.ts';

type Tensor = StoredTensor | TensorEntry;

/** Records of a file hold neither functions nor, as arrays of bytes, data with a type. */
export function isTensor<T extends Tensor>(value: TorchValue<T> | undefined): value is T {
  if (typeof value !== 'object' || value === null) return false;
  const { read, data, dtype } = value as Partial<StoredTensor & TensorEntry>;
  return typeof read === 'function' || (data instanceof Uint8Array && typeof dtype === 'string');
}

type TorchRecord<T> = { readonly [key: string]: TorchValue<T> };

/** Whether a value of a PyTorch file is a dict, a namespace or a whole module. */
export function isRecord<T extends Tensor>(value: TorchValue<T> | undefined): value is TorchRecord<T> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return !(value instanceof Unread) && !(value instanceof Uint8Array) && !isTensor<T>(value as T);
}

function holdsTensors<T extends Tensor>(value: TorchValue<T>): value is TorchRecord<T> {
  return isRecord<T>(value) && Object.values(value).some((item) => isTensor<T>(item));
}

const listNames = (names: readonly string[]): string => names.slice(0, 12).map(quote).join(', ');

/** Names of the entries of a training checkpoint that hold tensors by name; none where the value is one state dict. */
export function torchPartNames<T extends Tensor>(value: TorchValue<T>): readonly string[] {
  if (!isRecord<T>(value)) return [];
  return Object.keys(value).filter((key) => holdsTensors<T>(value[key] as TorchValue<T>));
}

/** Names under which training programs keep the state dict of their model. */
const STATE_DICTS =
  /^(?:model_?|module|net|network|generator|params|ema_?)?(?:state_dict|params|weights)?(?:_ema)?$/;

/** The part that is the only one, or the only one under a usual name of state dicts; undefined where there is none. */
export function onlyStateDict(parts: readonly string[]): string | undefined {
  const usual = parts.filter((name) => STATE_DICTS.test(name));
  return parts.length === 1 ? parts[0] : usual.length === 1 ? usual[0] : undefined;
}

/** The dict of tensors: the entry `part`, or the value itself, or the only entry that is a state dict. */
function selectPart<T extends Tensor>(value: TorchValue<T>, part: string | undefined): TorchRecord<T> {
  if (!isRecord<T>(value)) {
    const what = value instanceof Unread ? `, it is ${value.what}` : '';
    throw new Error(`The PyTorch file holds no dict${what}, wanted a state dict.`);
  }
  const parts = torchPartNames(value);
  const isDict = holdsTensors<T>(value);
  if (part === undefined && isDict && parts.length === 0) return value;
  const only = onlyStateDict(parts);
  const single = only !== undefined && (!isDict || STATE_DICTS.test(only)) ? only : '';
  const chosen = value[part ?? single];
  if (!isRecord<T>(chosen)) {
    const [key, unread] = Object.entries(value).find(([, item]) => item instanceof Unread) ?? [];
    const reason = unread instanceof Unread ? ` (${quote(key as string)} is ${unread.what})` : '';
    throw new Error(
      `The PyTorch file holds no ${part === undefined ? 'single state dict' : `state dict ${quote(part)}`}; its entries are ${listNames(Object.keys(value))}, of which ${listNames(parts) || 'none'} hold tensors${reason}; name one of those.`,
    );
  }
  return chosen;
}

/**
 * The tensors of a state dict by name. `part` names the entry of a training checkpoint (`model`, `ema`, `state_dict`); without
 * it the value is the state dict or has just one, by its name where others hold tensors too. Prefixes `module.` and `_orig_mod.` of wrapped models are stripped; entries
 * for which `keep` is false are left out.
 * @throws Error where the part is missing or ambiguous, or a kept entry is no tensor
 */
export function torchStateDict<T extends StoredTensor | TensorEntry>(
  value: TorchValue<T>,
  part?: string,
  keep: (name: string) => boolean = () => true,
): Record<string, T> {
  const dict: Record<string, T> = Object.create(null);
  for (const [key, item] of Object.entries(selectPart(value, part))) {
    const name = key.replace(/^(?:(?:module|_orig_mod)\.)+/, '');
    if (!keep(name)) continue;
    if (!isTensor<T>(item)) {
      const what = item instanceof Unread ? `: it is ${item.what}` : '';
      throw new Error(
        `State dict entry ${quote(key)} is no tensor${what}; name the part that holds the tensors.`,
      );
    }
    if (name in dict)
      throw new Error(`State dict entry ${quote(key)} has the same name as another: ${quote(name)}.`);
    dict[name] = item;
  }
  return dict;
}
