/** Trees of tensors as the named tensors of a file, under their dotted paths. */

import { userError } from '@ahpa/messages';
import { flatten, mapTree, paths } from '@ahpa/ops';
import type { Tree } from '@ahpa/ports';
import type { TensorEntry } from '@ahpa/weight-files';
import * as tf from '@tensorflow/tfjs-core';

const DTYPES = { float32: 'F32', int32: 'I32', bool: 'BOOL' } as const;

/** The tensors of a tree by dotted path; with `copy` in memory of their own, where a backend may give its own away. */
export async function tensorsOf(
  tree: Tree,
  { copy = false }: { readonly copy?: boolean } = {},
): Promise<Record<string, TensorEntry>> {
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

/** A new tree in the form of `like` from the tensors under `prefix`; `source` names the file in errors. */
export function treeOf<T extends Tree>(
  like: T,
  tensors: Readonly<Record<string, TensorEntry>>,
  source: string,
  prefix = '',
): T {
  return mapTree((leaf, path) => {
    const entry = tensors[prefix + path];
    const wanted = `${DTYPES[leaf.dtype as keyof typeof DTYPES]} [${leaf.shape}]`;
    const got = entry === undefined ? 'nothing' : `${entry.dtype} [${entry.shape}]`;
    if (entry === undefined || got !== wanted) {
      throw userError(
        `${source} has ${got} at ${prefix}${path}, wanted ${wanted}: it belongs to another model or version.`,
      );
    }
    return tf.tensor(valuesOf(entry), leaf.shape, leaf.dtype);
  }, like);
}

function valuesOf({ dtype, data }: TensorEntry): tf.TypedArray {
  const bytes = data.slice();
  if (dtype === 'BOOL') return bytes;
  return dtype === 'I32' ? new Int32Array(bytes.buffer) : new Float32Array(bytes.buffer);
}
