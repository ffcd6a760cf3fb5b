/**
 * Names of `inception-2015-12-05.pt`, the TorchScript file of NVIDIA's evaluators: the same network as
 * `pt_inception-2015-12-05` under the names of TensorFlow's graph, its normalisations without gain.
 */

/** Convolutions of a block of PyTorch's port by TensorFlow's names. */
type Branches = Readonly<Record<string, string>>;

const STEM: Branches = {
  conv: 'Conv2d_1a_3x3',
  conv_1: 'Conv2d_2a_3x3',
  conv_2: 'Conv2d_2b_3x3',
  conv_3: 'Conv2d_3b_1x1',
  conv_4: 'Conv2d_4a_3x3',
};

/** `tower.conv`, `tower.conv_1`, ... as `branch_1`, `branch_2`, ... */
const chain = (tower: string, branch: string, count: number): Branches =>
  Object.fromEntries(
    Array.from({ length: count }, (_, i) => [`${tower}.conv${i === 0 ? '' : `_${i}`}`, `${branch}_${i + 1}`]),
  );

const A: Branches = {
  conv: 'branch1x1',
  ...chain('tower', 'branch5x5', 2),
  ...chain('tower_1', 'branch3x3dbl', 3),
  'tower_2.conv': 'branch_pool',
};
const B: Branches = { conv: 'branch3x3', ...chain('tower', 'branch3x3dbl', 3) };
const C: Branches = {
  conv: 'branch1x1',
  ...chain('tower', 'branch7x7', 3),
  ...chain('tower_1', 'branch7x7dbl', 5),
  'tower_2.conv': 'branch_pool',
};
const D: Branches = { ...chain('tower', 'branch3x3', 2), ...chain('tower_1', 'branch7x7x3', 4) };
const E: Branches = {
  conv: 'branch1x1',
  tower_conv: 'branch3x3_1',
  tower_mixed_conv: 'branch3x3_2a',
  tower_mixed_conv_1: 'branch3x3_2b',
  tower_1_conv: 'branch3x3dbl_1',
  tower_1_conv_1: 'branch3x3dbl_2',
  tower_1_mixed_conv: 'branch3x3dbl_3a',
  tower_1_mixed_conv_1: 'branch3x3dbl_3b',
  tower_2_conv: 'branch_pool',
};

/** Blocks in order: `mixed`, `mixed_1`, ... */
const BLOCKS: readonly (readonly [name: string, branches: Branches])[] = [
  ['Mixed_5b', A],
  ['Mixed_5c', A],
  ['Mixed_5d', A],
  ['Mixed_6a', B],
  ['Mixed_6b', C],
  ['Mixed_6c', C],
  ['Mixed_6d', C],
  ['Mixed_6e', C],
  ['Mixed_7a', D],
  ['Mixed_7b', E],
  ['Mixed_7c', E],
];

/** Convolutions of PyTorch's port by TensorFlow's names. */
const CONVOLUTIONS: ReadonlyMap<string, string> = new Map([
  ...Object.entries(STEM),
  ...BLOCKS.flatMap(([block, branches], i) =>
    Object.entries(branches).map(([name, branch]): [string, string] => [
      `mixed${i === 0 ? '' : `_${i}`}.${name}`,
      `${block}.${branch}`,
    ]),
  ),
]);

const PARTS: Readonly<Record<string, string>> = {
  weight: 'conv.weight',
  beta: 'bn.bias',
  mean: 'bn.running_mean',
  var: 'bn.running_var',
};

interface StateTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** A state dict under the names of PyTorch's port; unchanged where it has them already. */
export function portNames(
  state: Readonly<Record<string, StateTensor>>,
): Readonly<Record<string, StateTensor>> {
  if (!('layers.conv.weight' in state)) return state;
  const renamed: Record<string, StateTensor> = {};
  for (const [key, tensor] of Object.entries(state)) {
    const [, layer = '', part = ''] = /^layers\.(.*)\.(\w+)$/.exec(key) ?? [];
    const convolution = CONVOLUTIONS.get(layer);
    if (convolution !== undefined && part in PARTS) {
      renamed[`${convolution}.${PARTS[part]}`] = tensor;
      if (part === 'beta')
        renamed[`${convolution}.bn.weight`] = {
          ...tensor,
          data: new Float32Array(tensor.data.length).fill(1),
        };
    } else renamed[key.replace(/^output\./, 'fc.')] = tensor;
  }
  return renamed;
}
