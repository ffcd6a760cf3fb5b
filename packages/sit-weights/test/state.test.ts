import { readGolden } from '@ahpa/test-utils';
import { describe, expect, test } from 'vitest';
import {
  assertFits,
  changeConvention,
  diffusersConfig,
  type Network,
  nameMoments,
  parseDiffusersConfig,
  readState,
  type StateTensor,
  trunkShapes,
  writeState,
} from '../src/index.ts';
import { bytesOf, encoded, tensorsOf, torchOf } from './files.ts';

const sizes = {
  latentSize: 4,
  latentChannels: 4,
  patchSize: 2,
  hiddenSize: 8,
  depth: 2,
  heads: 2,
  mlpRatio: 4,
  classes: 3,
  qkNorm: false,
};
const official: Network = { ...sizes, learnSigma: true, convention: 'sit' };
const dit: Network = { ...official, convention: 'dit' };
const floats = ({ data }: StateTensor): Float32Array => new Float32Array(data.slice().buffer);
const fine = { missing: [], unknown: [], misshapen: [] };

describe("SiT's and DiT's own files", () => {
  test('are understood, and written again to the same bytes', async () => {
    const { state, misfits } = readState(await tensorsOf('sit.safetensors'), { convention: 'sit', heads: 2 });
    expect(misfits).toEqual(fine);
    expect(state.network).toEqual(official);
    expect(Object.keys(state.trunk)).toEqual([...trunkShapes(official).keys()]);
    expect(await encoded(writeState(state, 'sit'))).toEqual(await bytesOf('sit.safetensors'));
  });

  test('do not tell which of the two they are, nor the heads of an unusual width', async () => {
    const tensors = await tensorsOf('sit.safetensors');
    expect(() => readState(tensors, { heads: 2 })).toThrow(/--from sit or --from dit/);
    expect(() => readState(tensors, { convention: 'sit' })).toThrow(/attention heads of width 8/);
    const { pos_embed: _, ...rest } = tensors;
    expect(() => readState(rest, { convention: 'sit', heads: 2 })).toThrow(/--latent-size/);
    expect(readState(rest, { convention: 'sit', heads: 2, latentSize: 4 }).state.network).toEqual(official);
  });

  test("become diffusers' folder, name by name and byte by byte, and come back", async () => {
    const { state } = readState(await tensorsOf('sit.safetensors'), { convention: 'dit', heads: 2 });
    const theirs = await bytesOf('diffusers/diffusion_pytorch_model.safetensors');
    expect(await encoded(writeState(state, 'diffusers'))).toEqual(theirs);
    const config = readGolden<Record<string, unknown>>(import.meta.url, 'diffusers/config.json');
    expect({ ...diffusersConfig(dit), _diffusers_version: config['_diffusers_version'] }).toEqual(config);

    const network = parseDiffusersConfig(config);
    expect(network).toEqual(dit);
    const back = readState(await tensorsOf('diffusers'), { network });
    expect(back.misfits).toEqual(fine);
    expect(await encoded(writeState(back.state, 'diffusers'))).toEqual(theirs);
    const { pos_embed: _, ...ours } = await tensorsOf('sit.safetensors');
    expect(await encoded(writeState(back.state, 'sit'))).toEqual(await encoded(ours));
  });
});

describe("REPA's training checkpoint", () => {
  test.each(['model', 'ema'])(
    'its %s, with heads, wrapped or not, and back to the same tensors',
    async (part) => {
      const tensors = await tensorsOf('repa.pt', part);
      const { state, misfits } = readState(tensors, { heads: 2 });
      expect(misfits).toEqual(fine);
      expect(state.network).toMatchObject({ convention: 'repa', learnSigma: false, depth: 1, hiddenSize: 4 });
      expect(Object.keys(state.heads).length).toBe(6);
      expect(await encoded(writeState(state, 'sit'))).toEqual(await encoded(tensors));
    },
  );

  test("has the moments of its optimiser under the parameters' names", async () => {
    const { model, opt } = await torchOf('repa.pt');
    const { first, second, updates } = nameMoments(opt as never, model as never);
    expect(updates).toBe(3);
    const sums = readGolden<Record<string, [number, number]>>(import.meta.url, 'moments.json');
    expect(Object.keys(first).map((name) => name.replace('module._orig_mod.', ''))).toEqual(
      Object.keys(sums),
    );
    for (const [name, [m, v]] of Object.entries(sums)) {
      const sum = (tensors: Record<string, StateTensor>): number =>
        floats(tensors[`module._orig_mod.${name}`] as StateTensor).reduce((a, b) => a + b, 0);
      expect(sum(first)).toBeCloseTo(m, 5);
      expect(sum(second)).toBeCloseTo(v, 5);
    }
  });

  test('an optimiser of another model is refused', async () => {
    const { model, opt } = await torchOf('repa.pt');
    const [, ...others] = Object.entries(model as object);
    expect(() => nameMoments(opt as never, Object.fromEntries(others))).toThrow(
      /28 parameters and the model 27/,
    );
  });
});

test("REPA's early names and qk-norm", async () => {
  const { state, misfits } = readState(await tensorsOf('legacy.safetensors'));
  expect(misfits).toEqual(fine);
  expect(state.network).toEqual({ ...sizes, qkNorm: true, learnSigma: false, convention: 'repa' });
  expect(state.trunk['blocks.1.attn.q_norm.weight']?.shape).toEqual([4]);
  expect(() =>
    writeState({ ...state, network: { ...state.network, convention: 'dit' } }, 'diffusers'),
  ).toThrow(/no place for blocks.0.attn.q_norm.weight/);
  expect(() => writeState(state, 'diffusers')).toThrow(/no class for repa/);
});

describe('what does not fit is listed', () => {
  const known = { convention: 'sit', heads: 2 } as const;

  test('missing, unknown and misshapen tensors, all of them', async () => {
    const {
      'blocks.1.mlp.fc2.bias': _,
      'x_embedder.proj.bias': bias,
      ...rest
    } = await tensorsOf('sit.safetensors');
    const odd = { ...bias, shape: [2, 4] } as StateTensor;
    const reading = readState(
      { ...rest, 'x_embedder.proj.bias': odd, cls_token: odd, 'wg_norm.bias': odd },
      known,
    );
    expect(reading.misfits).toEqual({
      missing: ['blocks.1.mlp.fc2.bias'],
      unknown: ['cls_token', 'wg_norm.bias'],
      misshapen: ['x_embedder.proj.bias [2,4], wanted [8]'],
    });
    expect(() => assertFits(reading, 'a.pt')).toThrow(
      'a.pt does not fit its network: missing: blocks.1.mlp.fc2.bias; unknown: cls_token, wg_norm.bias; of another shape: x_embedder.proj.bias [2,4], wanted [8].',
    );
  });

  test.each([
    [0x7fc00000, 'NaN'],
    [0x7f800000, 'Infinity'],
    [0xff800000, '-Infinity'],
  ])('a value of bits %i', async (bits, text) => {
    const tensors = await tensorsOf('sit.safetensors');
    const whole = tensors['blocks.0.attn.qkv.weight'] as StateTensor;
    const broken = { ...whole, data: whole.data.slice() };
    new DataView(broken.data.buffer, broken.data.byteOffset).setUint32(4 * 17, bits, true);
    const reading = readState({ ...tensors, 'blocks.0.attn.qkv.weight': broken }, known);
    expect(() => assertFits(reading, 'a.pt')).toThrow(`element 17 of blocks.0.attn.qkv.weight is ${text}`);
    expect(() => assertFits(readState(tensors, known), 'a.pt')).not.toThrow();
  });

  test('two tensors of one name, different embedders, and weights of something else', async () => {
    const tensors = await tensorsOf('sit.safetensors');
    expect(() =>
      readState({ ...tensors, 'module.pos_embed': tensors['pos_embed'] as StateTensor }, known),
    ).toThrow(/Two tensors of the file are pos_embed/);
    const theirs = await tensorsOf('diffusers');
    const name = 'transformer_blocks.1.norm1.emb.timestep_embedder.linear_1.bias';
    const other = theirs['transformer_blocks.1.norm1.emb.timestep_embedder.linear_2.bias'] as StateTensor;
    expect(() => readState({ ...theirs, [name]: other }, { network: dit })).toThrow(`${name} differs from`);
    const { [name]: _, ...fewer } = theirs;
    expect(readState(fewer, { network: dit }).misfits.missing).toEqual(['t_embedder.mlp.0.bias']);
    expect(() => readState({ weight: other })).toThrow(
      /not those of a SiT or DiT: x_embedder.proj.weight is absent/,
    );
  });

  test("configurations that are not DiT's", () => {
    expect(() => parseDiffusersConfig({ norm_type: 'layer_norm' })).toThrow(
      /norm_type "layer_norm", wanted "ada_norm_zero"/,
    );
    expect(() => parseDiffusersConfig({ num_layers: 'many' })).toThrow(
      /num_layers "many", wanted a positive integer/,
    );
  });
});

describe('changeConvention', () => {
  test("from SiT's to REPA's: rows negated and cut, everything else untouched, and back", async () => {
    const { state } = readState(await tensorsOf('sit.safetensors'), { convention: 'sit', heads: 2 });
    const { trunk, network } = changeConvention(state.trunk, official, 'repa');
    expect(network).toEqual({ ...official, learnSigma: false, convention: 'repa' });
    const changed = ['t_embedder.mlp.0.weight', 'final_layer.linear.weight', 'final_layer.linear.bias'];
    for (const [name, tensor] of Object.entries(trunk))
      if (!changed.includes(name)) expect(tensor).toBe(state.trunk[name]);
    const [before, after] = [state.trunk, trunk].map((own) =>
      floats(own['final_layer.linear.bias'] as StateTensor),
    ) as [Float32Array, Float32Array];
    expect([...after]).toEqual([...before].filter((_, row) => row % 8 < 4).map((value) => -value));

    const back = changeConvention(trunk, network, 'sit');
    expect(back.network).toEqual(official);
    const last = floats(back.trunk['final_layer.linear.bias'] as StateTensor);
    expect([...last]).toEqual(
      [...before].map((value, row) => (row % 8 < 4 ? value : -0)).map((v) => (v === 0 ? 0 : v)),
    );
    const times = [state.trunk, back.trunk].map((own) =>
      floats(own['t_embedder.mlp.0.weight'] as StateTensor),
    ) as [Float32Array, Float32Array];
    times[0].forEach((value, i) => {
      expect(Math.abs((times[1][i] as number) - value)).toBeLessThan(3e-7);
    });
  });

  test("DiT's stay what they are, and other types are refused", async () => {
    const { state } = readState(await tensorsOf('sit.safetensors'), { convention: 'dit', heads: 2 });
    expect(() => changeConvention(state.trunk, dit, 'repa')).toThrow(/dit cannot be turned into repa/);
    const half = {
      ...state.trunk,
      't_embedder.mlp.0.weight': { dtype: 'F16', shape: [8, 256], data: new Uint8Array(4096) },
    };
    expect(() => changeConvention(half, official, 'repa')).toThrow(
      /t_embedder.mlp.0.weight is F16, wanted F32/,
    );
  });
});
