/** Trees of parameters built from tables of dotted keys. */
import type * as tf from '@tensorflow/tfjs-core';
import type { ParamSpec } from './param-table.ts';
import type { VaeParams } from './params.ts';

interface Folder {
  [key: string]: Folder | tf.Tensor;
}

/** Folders whose keys are 0, 1, 2, ... become lists; others, such as 0, 2, 4, stay records. */
function withLists(node: Folder | tf.Tensor, leaves: ReadonlySet<unknown>): unknown {
  if (leaves.has(node)) return node;
  const children = Object.entries(node).map(([key, child]) => [key, withLists(child, leaves)] as const);
  const isList = children.every(([key], i) => key === String(i));
  return isList ? children.map(([, child]) => child) : Object.fromEntries(children);
}

/** Nests tensors by their dotted keys; numbers that count from 0 are positions in a list. */
export function treeFromTable(
  specs: readonly ParamSpec[],
  makeTensor: (spec: ParamSpec) => tf.Tensor,
): VaeParams {
  const root: Folder = {};
  const leaves = new Set<tf.Tensor>();
  for (const spec of specs) {
    const path = spec.key.split('.');
    const name = path.pop() as string;
    let folder = root;
    for (const part of path) {
      folder[part] ??= {};
      folder = folder[part] as Folder;
    }
    const tensor = makeTensor(spec);
    leaves.add(tensor);
    folder[name] = tensor;
  }
  return withLists(root, leaves) as VaeParams;
}

/** The tensor of a dotted key. */
export function tensorAt(params: VaeParams, key: string): tf.Tensor {
  let node = params as unknown as Folder | tf.Tensor;
  for (const part of key.split('.')) node = (node as Folder)[part] as Folder | tf.Tensor;
  return node as tf.Tensor;
}
