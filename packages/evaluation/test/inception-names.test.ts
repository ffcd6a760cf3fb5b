/** Names of NVIDIA's TorchScript Inception: every shape of its layers must be that of the convolution with the port's name. */
import { readGolden } from '@ahpa/test-utils';
import { describe, expect, it } from 'vitest';
import { portNames } from '../src/networks/inception-names.ts';

type Layers = readonly (readonly [
  name: string,
  out: number,
  from: number,
  height?: number,
  width?: number,
])[];

/** Layers of the blocks, by the widths of the Inception-v3 paper, with TensorFlow's names. */
const blockA = (from: number, pool: number): Layers => [
  ['conv', 64, from],
  ['tower.conv', 48, from],
  ['tower.conv_1', 64, 48, 5, 5],
  ['tower_1.conv', 64, from],
  ['tower_1.conv_1', 96, 64, 3, 3],
  ['tower_1.conv_2', 96, 96, 3, 3],
  ['tower_2.conv', pool, from],
];
const blockC = (middle: number): Layers => [
  ['conv', 192, 768],
  ['tower.conv', middle, 768],
  ['tower.conv_1', middle, middle, 1, 7],
  ['tower.conv_2', 192, middle, 7, 1],
  ['tower_1.conv', middle, 768],
  ['tower_1.conv_1', middle, middle, 7, 1],
  ['tower_1.conv_2', middle, middle, 1, 7],
  ['tower_1.conv_3', middle, middle, 7, 1],
  ['tower_1.conv_4', 192, middle, 1, 7],
  ['tower_2.conv', 192, 768],
];
const blockE = (from: number): Layers => [
  ['conv', 320, from],
  ['tower_conv', 384, from],
  ['tower_mixed_conv', 384, 384, 1, 3],
  ['tower_mixed_conv_1', 384, 384, 3, 1],
  ['tower_1_conv', 448, from],
  ['tower_1_conv_1', 384, 448, 3, 3],
  ['tower_1_mixed_conv', 384, 384, 1, 3],
  ['tower_1_mixed_conv_1', 384, 384, 3, 1],
  ['tower_2_conv', 192, from],
];
const BLOCKS: Readonly<Record<string, Layers>> = {
  mixed: blockA(192, 32),
  mixed_1: blockA(256, 64),
  mixed_2: blockA(288, 64),
  mixed_3: [
    ['conv', 384, 288, 3, 3],
    ['tower.conv', 64, 288],
    ['tower.conv_1', 96, 64, 3, 3],
    ['tower.conv_2', 96, 96, 3, 3],
  ],
  mixed_4: blockC(128),
  mixed_5: blockC(160),
  mixed_6: blockC(160),
  mixed_7: blockC(192),
  mixed_8: [
    ['tower.conv', 192, 768],
    ['tower.conv_1', 320, 192, 3, 3],
    ['tower_1.conv', 192, 768],
    ['tower_1.conv_1', 192, 192, 1, 7],
    ['tower_1.conv_2', 192, 192, 7, 1],
    ['tower_1.conv_3', 192, 192, 3, 3],
  ],
  mixed_9: blockE(1280),
  mixed_10: blockE(2048),
};
const STEM: Layers = [
  ['conv', 32, 3, 3, 3],
  ['conv_1', 32, 32, 3, 3],
  ['conv_2', 64, 32, 3, 3],
  ['conv_3', 80, 64],
  ['conv_4', 192, 80, 3, 3],
];

const layers = [
  ...STEM,
  ...Object.entries(BLOCKS).flatMap(([block, own]) =>
    own.map(([name, ...sizes]): Layers[number] => [`${block}.${name}`, ...sizes]),
  ),
];

const data = new Float32Array(0);
const state = Object.fromEntries([
  ...layers.flatMap(([name, out, from, height = 1, width = 1]) => [
    [`layers.${name}.weight`, { shape: [out, from, height, width], data }],
    ...['beta', 'mean', 'var'].map((part) => [`layers.${name}.${part}`, { shape: [out], data }] as const),
  ]),
  ['output.weight', { shape: [1008, 2048], data }],
  ['output.bias', { shape: [1008], data }],
]) as Record<string, { shape: number[]; data: Float32Array }>;

describe("NVIDIA's names", () => {
  it('give every tensor of the port, of its shape', () => {
    const { shapes } = readGolden<{ readonly shapes: Record<string, number[]> }>(
      new URL('./x', import.meta.url).href,
      'inception.json',
    );
    const wanted = Object.entries(shapes).filter(([name]) => !name.endsWith('num_batches_tracked'));
    const found = Object.entries(portNames(state)).map(([name, { shape }]) => [name, shape]);
    expect(Object.fromEntries(found.filter(([name]) => name !== 'fc.bias'))).toEqual(
      Object.fromEntries(wanted.filter(([name]) => name !== 'fc.bias')),
    );
  });

  it('come without a gain, which is 1', () => {
    const beta = { shape: [2], data: Float32Array.of(5, 6) };
    const { 'Conv2d_1a_3x3.bn.weight': gain } = portNames({ ...state, 'layers.conv.beta': beta });
    expect(gain?.data).toEqual(Float32Array.of(1, 1));
  });

  it('leave a state dict of the port alone', () => {
    const port = { 'Conv2d_1a_3x3.conv.weight': beta() };
    expect(portNames(port)).toBe(port);
  });
});

const beta = () => ({ shape: [1], data: new Float32Array(1) });
