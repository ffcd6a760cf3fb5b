/** The moments in a PyTorch training checkpoint, which names parameters by their number. */
import type { StateDict, StateTensor } from './tensor.ts';

/** Adam's moments by the name of the parameter, and the number of updates. */
export type Moments<T extends StateTensor> = {
  readonly first: Record<string, T>;
  readonly second: Record<string, T>;
  readonly updates: number;
};

type Value<T> =
  | T
  | string
  | number
  | bigint
  | boolean
  | null
  | undefined
  | readonly Value<T>[]
  | { readonly [key: string]: Value<T> };

/** Values of a record, also of one that came from Python numbers as keys. */
function entry<T>(value: Value<T>, key: string): Value<T> {
  return typeof value === 'object' && value !== null ? (value as Record<string, Value<T>>)[key] : undefined;
}

const isTensor = <T extends StateTensor>(value: Value<T>): value is T =>
  typeof value === 'object' && value !== null && (value as Partial<StateTensor>).data instanceof Uint8Array;

/**
 * `exp_avg` and `exp_avg_sq` of `optimizer` (a torch.optim.AdamW state dict) under the names of `model`, whose order is
 * that of the parameters; fixed ones (`pos_embed`) have no moments.
 * @throws Error where the optimizer does not fit the model
 */
export function nameMoments<T extends StateTensor>(optimizer: Value<T>, model: StateDict<T>): Moments<T> {
  const groups = entry(optimizer, 'param_groups');
  const numbers = Array.isArray(groups)
    ? groups.flatMap((group: Value<T>) => entry(group, 'params') as Value<T>[])
    : [];
  const names = Object.keys(model);
  if (numbers.length !== names.length) {
    throw new Error(
      `The optimizer has ${numbers.length} parameters and the model ${names.length} tensors, wanted as many: the moments cannot be named.`,
    );
  }
  const [first, second]: [Record<string, T>, Record<string, T>] = [{}, {}];
  let updates = 0;
  numbers.forEach((number, i) => {
    const state = entry(entry(optimizer, 'state'), String(number));
    if (state === undefined) return;
    const name = names[i] as string;
    const [m, v] = [entry(state, 'exp_avg'), entry(state, 'exp_avg_sq')];
    const wanted = (model[name] as T).shape.join();
    if (!isTensor<T>(m) || !isTensor<T>(v) || m.shape.join() !== wanted || v.shape.join() !== wanted) {
      throw new Error(
        `The optimizer's moments of ${name} are no tensors of shape [${wanted}]: it belongs to another model.`,
      );
    }
    first[name] = m;
    second[name] = v;
    const step = entry(state, 'step');
    updates = Math.max(updates, isTensor<T>(step) ? readStep(step) : Number(step ?? 0));
  });
  return { first, second, updates };
}

/** The number in a float32 or int64 scalar. */
function readStep({ dtype, data }: StateTensor): number {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  return dtype === 'F32' ? view.getFloat32(0, true) : Number(view.getBigInt64(0, true));
}
