/** State dicts in PyTorch layout: loading with diffusers (new and old) or CompVis names, saving with diffusers names. */
import * as tf from '@tensorflow/tfjs-core';
import type { VaeConfig } from './config.ts';
import { type ParamSpec, tensorAt, treeFromTable, vaeParamTable } from './param-table.ts';
import type { VaeParams } from './params.ts';

/** A tensor of a state dict in PyTorch layout (convolutions `[out, in, kh, kw]`). */
export interface StateTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Names of the tensors inside an attention block that mean the same. */
const ATTENTION_NAMES: Readonly<Record<string, string>> = {
  norm: 'group_norm',
  q: 'to_q',
  k: 'to_k',
  v: 'to_v',
  proj_out: 'to_out.0',
  query: 'to_q',
  key: 'to_k',
  value: 'to_v',
  proj_attn: 'to_out.0',
};

/** The diffusers key of a key in any accepted naming. */
function diffusersKey(key: string, levels: number): string {
  return key
    .replace(/^encoder\.down\.(\d+)\.block\./, 'encoder.down_blocks.$1.resnets.')
    .replace(/^encoder\.down\.(\d+)\.downsample\./, 'encoder.down_blocks.$1.downsamplers.0.')
    .replace(/^decoder\.up\.(\d+)\.block\./, (_, i) => `decoder.up_blocks.${levels - 1 - Number(i)}.resnets.`)
    .replace(
      /^decoder\.up\.(\d+)\.upsample\./,
      (_, i) => `decoder.up_blocks.${levels - 1 - Number(i)}.upsamplers.0.`,
    )
    .replace(/\.nin_shortcut\./, '.conv_shortcut.')
    .replace(/\.mid\.block_([12])\./, (_, i) => `.mid_block.resnets.${Number(i) - 1}.`)
    .replace(/\.mid\.attn_1\./, '.mid_block.attentions.0.')
    .replace(/(?<=\.attentions\.0\.)(\w+)(?=\.(weight|bias)$)/, (name) => ATTENTION_NAMES[name] ?? name)
    .replace(/^((?:en|de)coder)\.norm_out\./, '$1.conv_norm_out.');
}

/** The shape of a tensor in PyTorch layout. */
function torchShape({ kind, shape }: ParamSpec): readonly number[] {
  return kind === 'convWeight' ? [3, 2, 0, 1].map((axis) => shape[axis] as number) : shape;
}

/** Linear weights `[out, in]` may come as 1x1 convolutions `[out, in, 1, 1]`. */
function sameShape(got: readonly number[], spec: ParamSpec): boolean {
  const kept =
    spec.kind === 'linearWeight' && got.length === 4 && got[2] === 1 && got[3] === 1 ? got.slice(0, 2) : got;
  return kept.join() === torchShape(spec).join();
}

function collect(
  tensors: Readonly<Record<string, StateTensor>>,
  levels: number,
): Map<string, [string, StateTensor]> {
  const found = new Map<string, [string, StateTensor]>();
  for (const [key, tensor] of Object.entries(tensors)) {
    const name = diffusersKey(key, levels);
    const other = found.get(name);
    if (other) throw new Error(`VAE state dict: ${other[0]} and ${key} both name ${name}; remove one.`);
    found.set(name, [key, tensor]);
  }
  return found;
}

function checkTensors(found: ReadonlyMap<string, [string, StateTensor]>, specs: readonly ParamSpec[]): void {
  const wanted = new Set(specs.map(({ key }) => key));
  const missing = specs.filter(({ key }) => !found.has(key)).map(({ key }) => key);
  const unknown = [...found].filter(([name]) => !wanted.has(name)).map(([, [key]]) => key);
  if (missing.length > 0 || unknown.length > 0) {
    throw new Error(
      `VAE state dict does not fit the config: missing [${missing.join(', ')}], unknown [${unknown.join(', ')}].`,
    );
  }
  for (const spec of specs) {
    const [key, { shape, data }] = found.get(spec.key) as [string, StateTensor];
    const size = spec.shape.reduce((product, length) => product * length, 1);
    if (!sameShape(shape, spec) || data.length !== size) {
      throw new Error(
        `VAE state dict: ${key} has shape [${shape}] and ${data.length} values, wanted shape [${torchShape(spec)}]; check the config.`,
      );
    }
  }
}

/**
 * Parameters from a state dict in PyTorch layout. Accepts diffusers keys (also `query`, `key`, `value`, `proj_attn`) and
 * CompVis keys (without a prefix); throws with all missing and unknown keys.
 */
export function loadVaeParams(tensors: Readonly<Record<string, StateTensor>>, config: VaeConfig): VaeParams {
  const specs = vaeParamTable(config);
  const found = collect(tensors, config.blockOutChannels.length);
  checkTensors(found, specs);
  const tensorOf = (spec: ParamSpec): tf.Tensor => {
    const [, { data }] = found.get(spec.key) as [string, StateTensor];
    const tensor = tf.tensor(data, [...torchShape(spec)]);
    return spec.kind === 'convWeight' ? tf.transpose(tensor, [2, 3, 1, 0]) : tensor;
  };
  return tf.tidy(() => treeFromTable(specs, tensorOf) as never);
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
