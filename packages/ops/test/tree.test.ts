import type { Tree } from '@ahpa/ports';
import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { disposeTree, flatten, mapTree, paths, unflatten } from '../src/index.ts';

const tree = () => ({
  blocks: [{ attn: { qkv: { weight: tf.scalar(1), bias: tf.scalar(2) } } }, { attn: tf.scalar(3) }],
  empty: {},
  final: tf.scalar(4),
});

test('paths are dotted, in insertion order', () => {
  const names = ['blocks.0.attn.qkv.weight', 'blocks.0.attn.qkv.bias', 'blocks.1.attn', 'final'];
  expect(paths(tree())).toEqual(names);
  expect(flatten(tree()).map((leaf) => leaf.dataSync()[0])).toEqual([1, 2, 3, 4]);
  expect(paths(tf.scalar(1))).toEqual(['']);
  expect(flatten({})).toEqual([]);
});

test('unflatten inverts flatten', () => {
  const original: Tree = tree();
  expect(unflatten(original, flatten(original))).toEqual(original);
  const leaf = tf.scalar(1);
  expect(unflatten(leaf, [leaf])).toBe(leaf);
  expect(() => unflatten(original, [leaf])).toThrow(/got 1 leaves for a tree of 4/);
});

test('mapTree keeps the structure and passes paths', () => {
  const seen: string[] = [];
  const mapped = mapTree((leaf, path) => {
    seen.push(path);
    return tf.mul(leaf, 2);
  }, tree());
  expect(seen).toEqual(paths(tree()));
  expect(mapped.final.dataSync()[0]).toBe(8);
  expect(Array.isArray(mapped.blocks)).toBe(true);
});

test('disposeTree disposes every leaf', () => {
  const before = tf.memory().numTensors;
  disposeTree(tree());
  expect(tf.memory().numTensors).toBe(before);
});
