import { expectLive, readGolden } from '@ahpa/test-utils';
import { describe, expect, it } from 'vitest';
import {
  findVaePrefix,
  inferVaeConfig,
  joinHalves,
  loadVaeParams,
  parseVaeConfig,
  type StateTensor,
  type VaeConfig,
  vaeStateDict,
} from '../src/index.ts';
import { formulaState } from './formula.ts';

type State = Record<string, StateTensor>;

function golden(name: string): { config: VaeConfig; state: State } {
  const { config, shapes } = readGolden<{
    readonly config: Record<string, unknown>;
    readonly shapes: Record<string, readonly number[]>;
  }>(import.meta.url, `${name}.json`);
  return { config: parseVaeConfig(config), state: formulaState(shapes) };
}

const withPrefix = (prefix: string, state: State): State =>
  Object.fromEntries(Object.entries(state).map(([key, tensor]) => [`${prefix}${key}`, tensor]));

const other: StateTensor = { shape: [1], data: new Float32Array(1) };

const untold = { scalingFactor: 1, shiftFactor: 0 };

describe('a Stable Diffusion checkpoint', () => {
  const { config, state } = golden('plain');
  const checkpoint: State = {
    ...withPrefix('first_stage_model.', state),
    'first_stage_model.loss.logvar': other,
    'model.diffusion_model.out.0.weight': other,
    'cond_stage_model.logit_scale': other,
  };

  it('gives its VAE and nothing else', async () => {
    expect(await vaeStateDict(loadVaeParams(checkpoint, config), config)).toEqual(state);
    const { scalingFactor, shiftFactor } = config;
    const groups = { normNumGroups: 2 };
    expect(inferVaeConfig(checkpoint, { scalingFactor, shiftFactor, ...groups })).toEqual(config);
  });

  it('names tensors by their own keys in errors', () => {
    const { 'first_stage_model.quant_conv.bias': _, ...incomplete } = checkpoint;
    expect(() => loadVaeParams(incomplete, config)).toThrow('missing [quant_conv.bias], unknown []');
    expect(() => loadVaeParams({ ...checkpoint, 'first_stage_model.x': other }, config)).toThrow(
      'unknown [first_stage_model.x]',
    );
  });
});

describe('a VAE under a prefix', () => {
  const { config, state } = golden('plain');

  it.each(['vae.', 'module.', 'model.', 'net.', 'ema_model.', '_orig_mod.', 'module._orig_mod.vae.'])(
    '%s: is read without it',
    async (prefix) => {
      const loaded = loadVaeParams({ ...withPrefix(prefix, state), 'transformer.x': other }, config);
      expect(await vaeStateDict(loaded, config)).toEqual(state);
      expect(findVaePrefix(Object.keys(withPrefix(prefix, state)))).toBe(prefix);
    },
  );

  it('is refused where there are two', () => {
    const both = { ...withPrefix('model.', state), ...withPrefix('ema_model.', state) };
    expect(() => loadVaeParams(both, config)).toThrow(
      'there are VAEs under "model.", "ema_model."; keep one',
    );
  });
});

describe('a checkpoint of VAE training', () => {
  it('gives the VAE without the loss', async () => {
    const { config, state } = golden('flux');
    const loaded = loadVaeParams({ ...state, 'loss.discriminator.main.0.weight': other }, config);
    expect(await vaeStateDict(loaded, config)).toEqual(state);
  });
});

describe('the two files of TAESD', () => {
  const { config, state } = golden('tiny-global');

  /** One half as TAESD keeps it: bare positions, the decoder's one later because of its clamp. */
  const half = (name: 'encoder' | 'decoder'): State =>
    Object.fromEntries(
      Object.entries(state)
        .filter(([key]) => key.startsWith(name))
        .map(([key, tensor]) => {
          const [, , position, ...rest] = key.split('.');
          return [`${Number(position) + (name === 'decoder' ? 1 : 0)}.${rest.join('.')}`, tensor];
        }),
    );

  it('are joined and loaded', async () => {
    expect(Object.keys(half('encoder'))).toContain('0.weight');
    expect(Object.keys(half('decoder'))).toContain('1.weight');
    const joined = joinHalves(half('encoder'), half('decoder'));
    const params = expectLive(() => loadVaeParams(joined, config), Object.keys(state).length);
    expect(await vaeStateDict(params, config)).toEqual(state);
    expect(inferVaeConfig(joined, untold)).toEqual(config);
  });

  it('need each other', () => {
    expect(() => loadVaeParams(joinHalves(half('encoder'), {}), config)).toThrow(
      'missing [decoder.layers.0.weight,',
    );
    expect(() => inferVaeConfig(joinHalves(half('encoder'), {}), untold)).toThrow(
      'the weights have no convolution decoder.layers.0.weight, wanted a whole AutoencoderKL or AutoencoderTiny',
    );
    expect(() => inferVaeConfig(half('encoder'), untold)).toThrow('no convolution encoder.down_blocks.0');
  });
});
