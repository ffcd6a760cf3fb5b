/** Walks over plain trees of tensors; leaves come in insertion order and are named by dotted paths. */
import type { Tree } from '@ahpa/ports';
import * as tf from '@tensorflow/tfjs-core';

const isLeaf = (tree: Tree): tree is tf.Tensor => tree instanceof tf.Tensor;

function visit(tree: Tree, path: string, leaf: (tensor: tf.Tensor, path: string) => void): void {
  if (isLeaf(tree)) {
    leaf(tree, path);
    return;
  }
  for (const [key, child] of Object.entries(tree))
    visit(child as Tree, path === '' ? key : `${path}.${key}`, leaf);
}

function rebuild(tree: Tree, path: string, leaf: (tensor: tf.Tensor, path: string) => tf.Tensor): Tree {
  if (isLeaf(tree)) return leaf(tree, path);
  const children = Object.entries(tree).map(
    ([key, child]) => [key, rebuild(child as Tree, path === '' ? key : `${path}.${key}`, leaf)] as const,
  );
  return Array.isArray(tree) ? children.map(([, child]) => child) : Object.fromEntries(children);
}

/** The leaves of a tree, in insertion order (the order of `paths`). */
export function flatten(tree: Tree): tf.Tensor[] {
  const leaves: tf.Tensor[] = [];
  visit(tree, '', (tensor) => leaves.push(tensor));
  return leaves;
}

/** The dotted path of every leaf, array elements by index (`blocks.0.attn.qkv.weight`); a bare tensor has the path `''`. */
export function paths(tree: Tree): string[] {
  const names: string[] = [];
  visit(tree, '', (_, path) => names.push(path));
  return names;
}

/**
 * A tree of the structure of `like` holding `leaves`; inverse of `flatten`.
 * @throws RangeError where the counts differ
 */
export function unflatten<T extends Tree>(like: T, leaves: readonly tf.Tensor[]): T {
  let next = 0;
  const tree = rebuild(like, '', () => leaves[next++] as tf.Tensor) as T;
  if (next !== leaves.length) {
    throw new RangeError(
      `unflatten: got ${leaves.length} leaves for a tree of ${next}; pass the leaves of a tree of the same structure.`,
    );
  }
  return tree;
}

/** Applies `fn` to every leaf (with its dotted path) and keeps the structure. */
export function mapTree<T extends Tree>(fn: (leaf: tf.Tensor, path: string) => tf.Tensor, tree: T): T {
  return rebuild(tree, '', fn) as T;
}

/** Disposes every leaf. */
export function disposeTree(tree: Tree): void {
  tf.dispose(flatten(tree));
}

/** `tf.tidy` for functions that return trees, whose types tfjs cannot express. */
export function tidyTree<R>(fn: () => R): R {
  return tf.tidy(fn as () => tf.TensorContainer) as R;
}
