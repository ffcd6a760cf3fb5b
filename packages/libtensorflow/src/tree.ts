/** Plain trees: nested objects and arrays whose leaves are tensors, or stand-ins with the same dtype and shape. */
import type { DataType, Tensor } from '@tensorflow/tfjs-core';

/** A tensor, or a plain array or object of trees. */
export type Tree = Tensor | readonly Tree[] | { readonly [key: string]: Tree };

/** Dtype and shape, which identify a leaf. */
export interface LeafLike {
  readonly dtype: DataType;
  readonly shape: readonly number[];
}

const isLeaf = (node: object): node is LeafLike => 'dtype' in node && 'shape' in node;

/**
 * The leaves of a tree with their dotted paths, in insertion order.
 * @throws Error where a leaf is not a tensor
 */
export function leaves<L extends LeafLike = Tensor>(tree: unknown, path = ''): { path: string; leaf: L }[] {
  if (tree === null || typeof tree !== 'object') {
    throw new Error(`a tree of tensors holds ${String(tree)} at "${path}"; its leaves must be tensors`);
  }
  if (isLeaf(tree)) return [{ path, leaf: tree as unknown as L }];
  return Object.entries(tree).flatMap(([key, child]) => leaves<L>(child, path ? `${path}.${key}` : key));
}

/** A tree of the same form with each leaf replaced, in the order of `leaves`. */
export function mapLeaves<T>(tree: T, replace: (index: number) => unknown): T {
  let index = 0;
  const visit = (node: unknown): unknown => {
    if (isLeaf(node as object)) return replace(index++);
    if (Array.isArray(node)) return node.map(visit);
    return Object.fromEntries(Object.entries(node as object).map(([key, child]) => [key, visit(child)]));
  };
  return visit(tree) as T;
}

/** Paths, dtypes and shapes of leaves in one line: the key of a trace. */
export function formatSignature(list: readonly { readonly path: string; readonly leaf: LeafLike }[]): string {
  return list.map(({ path, leaf }) => `${path}:${leaf.dtype}[${leaf.shape}]`).join(' ');
}
