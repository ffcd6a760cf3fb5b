import { flatten, paths, philox } from '@ahpa/ops';
import type { AlignmentInputs, AlignmentSpec, RouterTraits, Tree } from '@ahpa/ports';
import { testTensor } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { type AlignmentKind, alignments, defineAlignment } from '../src/index.ts';
import { evenRouter, tokens } from './helpers.ts';

const KINDS = Object.values(alignments) as unknown as readonly AlignmentKind[];
const B = 2;
const SPEC: AlignmentSpec = {
  hiddenSize: 6,
  tokens: 4,
  patchSize: 1,
  latentWidth: 3,
  encoderDepth: 2,
  path: 'linear',
  seed: 0,
  groups: [
    { name: 'fine', width: 5, tokens: 4 },
    { name: 'coarse', width: 4, tokens: 4 },
  ],
};
const teacher = { groups: { teacher: 'deepest' } };

/** What every kind has without an option given, in a network aligned at block 2. */
const DEFAULTS: Readonly<Record<string, object>> = {
  none: { weight: 0, depths: [], attention: [], targets: { groups: {} } },
  repa: { weight: 0.5, depths: [2], attention: [], targets: teacher },
  irepa: { weight: 1, depths: [2], attention: [], targets: teacher },
  sra: { weight: 0.2, depths: [2, 8], attention: [], targets: { groups: {} } },
  sra2: { weight: 1, depths: [2], attention: [], targets: { groups: {} } },
  haste: { weight: 0.5, depths: [2], attention: [4, 5, 6, 7], targets: teacher },
  ahpa: { weight: 0.5, depths: [2], attention: [], targets: { groups: 'default' } },
};

test('every kind is exported under its own name', () => {
  expect(Object.entries(alignments).map(([name, { kind }]) => [name, kind])).toEqual(
    Object.keys(alignments).map((name) => [name, name]),
  );
  expect(Object.keys(alignments).sort()).toEqual(Object.keys(DEFAULTS).sort());
});

describe.each(KINDS.map((kind) => [kind.kind, kind] as const))('%s', (name, kind) => {
  const options = kind.options.parse({});

  test('has a label, and describes every option', () => {
    expect(kind.label).toMatch(/\.$|; \w+$/);
    expect(kind.routed).toBe(name === 'ahpa');
    for (const option of Object.values(kind.options.shape)) {
      expect((option as { readonly description?: string }).description).toBeTruthy();
    }
  });

  test('has defaults that are plain JSON and stay what they are', () => {
    const written = JSON.parse(JSON.stringify(options));
    expect(written).toEqual(options);
    expect(kind.options.parse(written)).toEqual(options);
  });

  test('has the weight, the taps and the targets of its source, and no problem with them', () => {
    const { weight, initState } = kind.weight(options);
    const [first] = weight(tf.scalar(0, 'int32'), initState()).dataSync();
    expect({ weight: first, ...kind.taps(options, 2), targets: kind.targets(options) }).toEqual({
      ...DEFAULTS[name],
      weight: expect.closeTo((DEFAULTS[name] as { weight: number }).weight, 6),
    });
    expect(kind.problems(options, { depth: 12 })).toEqual([]);
  });

  test('refuses an option that it does not have', () => {
    const refused = kind.options.safeParse({ wieght: 1 });
    expect(refused.error?.issues[0]?.message).toContain('unknown key "wieght"');
  });

  test('has finite losses and keeps the form of its state', () => {
    const head = { head: { kind: 'mlp', hidden: 8 } };
    const given = { ...(name !== 'none' && head), ...(name === 'haste' && { attention: { blocks: [0] } }) };
    const tuned = kind.options.parse(given);
    const groups = kind.routed ? SPEC.groups : SPEC.groups.slice(0, 1);
    const alignment = kind.create(tuned, { ...SPEC, groups }, evenRouter);
    const { depths, attention } = kind.taps(tuned, SPEC.encoderDepth);
    const hidden = depths.map((_, i) => tokens([B, 4, 6], 10 + i));
    const [params, state] = [alignment.init(philox(1)), alignment.initState(philox(2))];
    const latent = testTensor([B, 2, 2, 3], 3) as tf.Tensor4D;
    const inputs = {
      step: tf.scalar(0, 'int32'),
      t: tf.tensor1d([0.2, 0.9]),
      y: tf.tensor1d([0, 1], 'int32'),
      u: tf.tensor1d([0.5, 0.1]),
      mean: latent,
      x0: latent,
      noise: latent,
      state,
      targets: groups.map(({ width }, g) => tokens([B, 4, width], 20 + g)),
      teacher: () => ({ velocity: latent, hidden }),
    } as AlignmentInputs<Tree, Tree>;
    const activations = {
      hidden,
      attention: attention.map((block) => testTensor([B, 2, 4, 4], block) as tf.Tensor4D),
      branch: (_: string, tap: number) => hidden[tap] as tf.Tensor3D,
    };
    const targets = alignment.targets(inputs);
    const aligned = alignment.loss(params, activations, { ...inputs, targets });
    const values = flatten([aligned.loss, aligned.distance, ...Object.values(aligned.metrics)]);
    for (const value of values) expect([...value.dataSync()].every(Number.isFinite)).toBe(true);
    const observations = { observed: aligned.observed, distance: aligned.distance, cosineByTime: {} };
    const next = alignment.update(state, observations, inputs.step);
    expect(paths(next)).toEqual(paths(state));
    expect(flatten(next).map(({ shape }) => shape)).toEqual(flatten(state).map(({ shape }) => shape));
    expect(flatten(params).length > 0).toBe(name !== 'none');
  });
});

describe('problems', () => {
  const at = (kind: { readonly kind: string }, given: object, router?: RouterTraits): string[] => {
    const known = kind as unknown as AlignmentKind;
    const limits = { depth: 4, ...(router && { router }) };
    return known.problems(known.options.parse(given), limits).map(({ path }) => path.join('.'));
  };
  const direct: RouterTraits = { gates: true, needs: 'nothing' };

  test('name blocks that the model does not have', () => {
    expect(at(alignments.sra, {})).toEqual(['teacherDepth']);
    expect(at(alignments.sra, { teacherDepth: 4 })).toEqual([]);
    const blocks = { attention: { blocks: [3, 4] } };
    const [problem] = alignments.haste.problems(alignments.haste.options.parse(blocks), { depth: 4 });
    expect(problem).toEqual({
      path: ['attention', 'blocks'],
      message: "wanted at most the model's depth, 4, got 5",
    });
    expect(at(alignments.ahpa, { depths: { fine: [4, 5] } }, direct)).toEqual(['depths.fine']);
  });

  test.each<[given: object, router: Partial<RouterTraits>, paths: string[]]>([
    [{ mix: 'target', distance: 'l2' }, {}, ['distance']],
    [{ mix: 'target', depths: { fine: [1] } }, {}, ['depths']],
    [{ mix: 'target' }, { needs: 'group losses' }, ['router.train']],
    [{ mix: 'gate' }, { gates: false }, ['router']],
    [{ mix: 'gate' }, {}, []],
    [{ head: { kind: 'shared' } }, { needs: 'group gradients' }, ['router.train']],
    [{ head: { kind: 'shared' }, depths: { fine: [1] } }, {}, ['depths']],
    [{ groups: { total: ['latent'] } }, {}, ['groups']],
  ])('of ahpa %o with a router %o are at %o', (given, router, wanted) => {
    expect(at(alignments.ahpa, given, { ...direct, ...router })).toEqual(wanted);
  });
});

test('absent members of a kind are those of a plain one at the block of the model', () => {
  const { options, weight, create } = alignments.none;
  const kind = defineAlignment({ kind: 'own', label: 'Ours.', options, weight, create });
  expect(kind.routed).toBe(false);
  expect(kind.taps({}, 3)).toEqual({ depths: [3], attention: [] });
  expect(kind.targets({})).toEqual({ groups: {} });
  expect(kind.problems({}, { depth: 1 })).toEqual([]);
});
