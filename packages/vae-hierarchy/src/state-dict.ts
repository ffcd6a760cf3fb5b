/** State dicts in PyTorch layout: loading under any published names, saving under those of diffusers. */
import * as tf from '@tensorflow/tfjs-core';
import type { VaeConfig } from './config.ts';
import { diffusersEntries } from './keys.ts';
import { type ParamSpec, vaeParamTable } from './param-table.ts';
import type { VaeParams } from './params.ts';
import { tensorAt, treeFromTable } from './tree.ts';

/** A tensor of a state dict in PyTorch layout (convolutions `[out, in, kh, kw]`). */
export interface StateTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** The shape of a tensor in PyTorch layout. */
function torchShape({ kind, shape }: ParamSpec): readonly number[] {
  return kind === 'convWeight' ? [3, 2, 0, 1].map((axis) => shape[axis] as number) : shape;
}

/** Equality of shapes; linear weights `[out, in]` may come as 1x1 convolutions `[out, in, 1, 1]`. */
function sameShape(got: readonly number[], spec: ParamSpec): boolean {
  const kept =
    spec.kind === 'linearWeight' && got.length === 4 && got[2] === 1 && got[3] === 1 ? got.slice(0, 2) : got;
  return kept.join() === torchShape(spec).join();
}

type Found = ReadonlyMap<string, readonly [key: string, tensor: StateTensor]>;

function checkTensors(found: Found, specs: readonly ParamSpec[]): void {
  const wanted = new Set(specs.map(({ key }) => key));
  const missing = specs.filter(({ key }) => !found.has(key)).map(({ key }) => key);
  const unknown = [...found].filter(([name]) => !wanted.has(name)).map(([, [key]]) => key);
  if (missing.length > 0 || unknown.length > 0) {
    throw new Error(
      `VAE state dict does not fit the config: missing [${missing.join(', ')}], unknown [${unknown.join(', ')}].`,
    );
  }
  for (const spec of specs) {
    const [key, { shape, data }] = found.get(spec.key) as readonly [string, StateTensor];
    const size = spec.shape.reduce((product, length) => product * length, 1);
    if (!sameShape(shape, spec) || data.length !== size) {
      throw new Error(
        `VAE state dict: ${key} has shape [${shape}] and ${data.length} values, wanted shape [${torchShape(spec)}]; check the config.`,
      );
    }
  }
}

/**
 * Parameters from a state dict in PyTorch layout. Accepts diffusers keys (also `query`, `key`, `value`, `proj_attn`), CompVis
 * keys and TAESD's (see `joinHalves`), all also under a prefix (see `findVaePrefix`).
 * @throws Error that lists all missing, unknown and misshapen keys
 */
export function loadVaeParams(tensors: Readonly<Record<string, StateTensor>>, config: VaeConfig): VaeParams {
  const specs = vaeParamTable(config);
  const found = diffusersEntries(tensors);
  checkTensors(found, specs);
  const makeTensor = (spec: ParamSpec): tf.Tensor => {
    const [, { data }] = found.get(spec.key) as readonly [string, StateTensor];
    const tensor = tf.tensor(data, [...torchShape(spec)]);
    return spec.kind === 'convWeight' ? tf.transpose(tensor, [2, 3, 1, 0]) : tensor;
  };
  return tf.tidy(() => treeFromTable(specs, makeTensor) as never);
}

/** The state dict of parameters: diffusers keys, PyTorch layout. */
export async function vaeStateDict(
  params: VaeParams,
  config: VaeConfig,
): Promise<Record<string, StateTensor>> {
  const dict: Record<string, StateTensor> = {};
  for (const spec of vaeParamTable(config)) {
    const tensor = tensorAt(params, spec.key);
    const torch = spec.kind === 'convWeight' ? tf.transpose(tensor, [3, 2, 0, 1]) : tf.clone(tensor);
    dict[spec.key] = { shape: torchShape(spec), data: Float32Array.from(await torch.data()) };
    tf.dispose(torch);
  }
  return dict;
}
