import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { silent } from '@ahpa/messages';
import { TINY_VAE, writeTinyVae } from '@ahpa/test-fixtures';
import { temporary } from '@ahpa/test-utils';
import { parseVaeConfig, vaeStateDict } from '@ahpa/vae-hierarchy';
import { readSafetensors, writeSafetensors } from '@ahpa/weight-files';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { readVae, vaeParams, vaeStride } from '../src/vae/read-vae.ts';

const home = temporary();
const lone = join(home, 'lone', 'vae.safetensors');
let folder = '';

beforeAll(async () => {
  folder = await writeTinyVae(home);
  mkdirSync(join(home, 'lone'));
  copyFileSync(join(folder, 'diffusion_pytorch_model.safetensors'), lone);
});

describe('readVae', () => {
  it('reads the VAE of this repository', async () => {
    const { config, sha256 } = await readVae({ kind: 'emoji-vae' });
    expect(vaeStride(config)).toBe(8);
    expect(sha256).toMatch(/^[0-9a-f]{64}$/);
  });

  it('reads a weights file with the config beside it or named, and wants its scale otherwise', async () => {
    const config = join(folder, 'config.json');
    const whole = await readVae({ kind: 'file', path: folder });
    expect(whole.config).toEqual(TINY_VAE);
    const named = await readVae({ kind: 'file', path: lone, config });
    expect([named.config, named.sha256]).toEqual([whole.config, whole.sha256]);
    await expect(readVae({ kind: 'file', path: lone })).rejects.toThrow(
      /vae\.safetensors has no config\.json .* set vae\.scale/,
    );
    const told = await readVae({ kind: 'file', path: lone, scale: 2, shift: 0.5 });
    expect(told.config).toMatchObject({ scalingFactor: 2, shiftFactor: 0.5, blockOutChannels: [4, 4, 4, 4] });
  });

  it('reads a name on the hub as the folder in the cache', async () => {
    const cached = join(home, 'hub', 'models--org--name', 'snapshots', '0'.repeat(40));
    cpSync(folder, cached, { recursive: true });
    vi.stubEnv('HF_HUB_CACHE', join(home, 'hub'));
    vi.stubEnv('HF_HUB_OFFLINE', '1');
    const there = await readVae({ kind: 'file', path: `hf:org/name@${'0'.repeat(40)}` });
    vi.unstubAllEnvs();
    expect(there).toEqual({ ...(await readVae({ kind: 'file', path: folder })), path: cached });
  });

  it('takes encoders for the same whatever their decoders', async () => {
    const { tensors } = await readSafetensors(lone);
    const changed = async (key: string): Promise<string> => {
      const entry = tensors[key] as (typeof tensors)[string];
      const data = entry.data.map((byte) => byte ^ 1);
      await writeSafetensors(
        join(folder, 'diffusion_pytorch_model.safetensors'),
        { ...tensors, [key]: { ...entry, data } },
        {},
      );
      return (await readVae({ kind: 'file', path: folder })).sha256;
    };
    const { sha256 } = await readVae({ kind: 'file', path: lone, config: join(folder, 'config.json') });
    expect(await changed('decoder.conv_in.bias')).toBe(sha256);
    expect(await changed('encoder.conv_in.bias')).not.toBe(sha256);
  });

  it('reads the VAE of a pipeline, and one under a prefix, and says so once', async () => {
    const plain = await readVae({ kind: 'file', path: await writeTinyVae(join(home, 'plain')) });
    const pipeline = join(home, 'pipeline');
    cpSync(plain.path, join(pipeline, 'vae'), { recursive: true });
    writeFileSync(join(pipeline, 'model_index.json'), '{}');
    const config = join(pipeline, 'vae', 'config.json');
    writeFileSync(config, `\uFEFF${readFileSync(config, 'utf8')}`);
    const said: string[] = [];
    const reporter = { ...silent, say: (text: string) => void said.push(text) };
    expect((await readVae({ kind: 'file', path: pipeline }, reporter)).sha256).toBe(plain.sha256);
    expect(said).toEqual([`${pipeline} is a pipeline: the VAE is read from vae/ in it.`]);
    const tensors = Object.entries(plain.tensors).map(([key, entry]) => [`model.${key}`, entry] as const);
    const path = join(home, 'prefixed.safetensors');
    const bytes = { dtype: 'U32', shape: [1], data: new Uint8Array(4) } as const;
    await writeSafetensors(path, { ...Object.fromEntries(tensors), 'model.diffusion_model.x': bytes });
    said.length = 0;
    const prefixed = await readVae({ kind: 'file', path, config }, reporter);
    expect(said).toEqual([`${path}: the VAE is read from the tensors under "model.".`]);
    const [one, other] = [vaeParams(plain), vaeParams(prefixed)];
    const state = async (params: typeof one) => JSON.stringify(await vaeStateDict(params, plain.config));
    expect(await state(other)).toBe(await state(one));
    tf.dispose([one, other] as never);
  });

  it('says what is wrong with files', async () => {
    writeFileSync(join(home, 'torn.pt'), 'torn');
    await expect(readVae({ kind: 'file', path: join(home, 'torn.pt') })).rejects.toThrow(
      /The VAE cannot be read: .*torn\.pt/,
    );
    writeFileSync(join(home, 'odd.json'), '{"_class_name":"VQModel"}');
    await expect(readVae({ kind: 'file', path: lone, config: join(home, 'odd.json') })).rejects.toThrow(
      /odd\.json cannot be used: .*_class_name/,
    );
  });

  it('names a config it cannot use', async () => {
    const path = await writeTinyVae(join(home, 'odd'));
    const json = JSON.parse(readFileSync(join(path, 'config.json'), 'utf8'));
    expect(parseVaeConfig(json)).toEqual(TINY_VAE);
    writeFileSync(join(path, 'config.json'), JSON.stringify({ ...json, _class_name: 'VQModel' }));
    await expect(readVae({ kind: 'file', path })).rejects.toThrow(/config\.json cannot be used: .*VQModel/);
  });
});

const data = fileURLToPath(new URL('../../../../shared/data/', import.meta.url));

describe('TAEF2', () => {
  it.skipIf(!existsSync(`${data}taef2_encoder.pth`))(`is read from its two files (${data})`, async () => {
    const { config } = await readVae({
      kind: 'file',
      path: `${data}taef2_encoder.pth`,
      decoder: `${data}taef2_decoder.pth`,
    });
    expect(config).toMatchObject({ kind: 'tiny', latentChannels: 32, globalBranch: true, scalingFactor: 1 });
  });
});
