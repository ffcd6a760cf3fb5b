/** Trees of tensors as the named tensors of a file, by dotted path. */
import { userError } from '@ahpa/messages';
import { flatten, mapTree, paths } from '@ahpa/ops';
import type { Tree } from '@ahpa/ports';
import type { TensorEntry } from '@ahpa/weight-files';
import * as tf from '@tensorflow/tfjs-core';

const DTYPES = { float32: 'F32', int32: 'I32', bool: 'BOOL' } as const;

/** Tensors by name, as in a safetensors file. */
export type NamedTensors = Readonly<Record<string, TensorEntry>>;

/** The values of a tree (float32, int32, bool) by dotted path; with `copy` never a view of the backend's memory. */
export async function readTensors(
  tree: Tree,
  { copy = false }: { readonly copy?: boolean } = {},
): Promise<NamedTensors> {
  const names = paths(tree);
  const entries = flatten(tree).map(async (leaf, i) => {
    const { buffer, byteOffset, byteLength } = await leaf.data();
    const dtype = DTYPES[leaf.dtype as keyof typeof DTYPES];
    const view = new Uint8Array(buffer, byteOffset, byteLength);
    const data = copy ? view.slice() : view;
    return [names[i] as string, { dtype, shape: leaf.shape, data }] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

/**
 * A new tree of the structure of `like` from the tensors whose names are `prefix` and a dotted path; `source` names the file in errors.
 * @throws Error (user error) where a tensor is missing or differs in shape or dtype
 */
export function restoreTree<T extends Tree>(like: T, tensors: NamedTensors, source: string, prefix = ''): T {
  return mapTree((leaf, path) => {
    const entry = tensors[prefix + path];
    const wanted = `${DTYPES[leaf.dtype as keyof typeof DTYPES]} [${leaf.shape}]`;
    const got = entry === undefined ? 'nothing' : `${entry.dtype} [${entry.shape}]`;
    if (entry === undefined || got !== wanted) {
      throw userError(
        `${source} has ${got} at ${prefix}${path}, wanted ${wanted}: it belongs to another model or version.`,
      );
    }
    return tf.tensor(toTypedArray(entry), leaf.shape, leaf.dtype);
  }, like);
}

function toTypedArray({ dtype, data }: TensorEntry): tf.TypedArray {
  const bytes = data.slice();
  if (dtype === 'BOOL') return bytes;
  return dtype === 'I32' ? new Int32Array(bytes.buffer) : new Float32Array(bytes.buffer);
}
