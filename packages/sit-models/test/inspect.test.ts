import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parameterCount } from '@ahpa/dit-core';
import { readWeights, type TensorEntry, writeSafetensors } from '@ahpa/weight-files';
import { describe, expect, it } from 'vitest';
import { inspectModelFile, openModelFile, type Recognised } from '../src/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'sit-models-'));
const golden = (name: string): string => join(import.meta.dirname, '../../sit-weights/test/golden', name);
const at = (name: string): string => join(folder, name);

describe('inspectModelFile', () => {
  it("names REPA's checkpoint, part by part", async () => {
    const found = await inspectModelFile(golden('repa.pt'), { heads: 2 });
    expect(found.kind).toBe("PyTorch checkpoint: SiT with alignment heads, in REPA's names");
    const args = { model: 'SiT-XL/2', resolution: 32, encoder_depth: 1 };
    expect(found.metadata).toEqual({ parts: ['model', 'ema'] });
    expect(found).toMatchObject({ step: 3, args, moments: 27, problems: [] });
    expect(Object.keys(found.networks)).toEqual(['model', 'ema']);
    const { network, problems, heads, parameters } = found.networks['ema'] as Recognised;
    expect(network).toMatchObject({ hiddenSize: 4, depth: 1, patchSize: 2, latentSize: 4, classes: 3 });
    expect([problems, heads.length]).toEqual([[], 6]);
    expect(parameters).toBe(parameterCount({ ...network, encoderDepths: [] }));
  });

  it("names SiT's or DiT's file, diffusers' folder and the application's own", async () => {
    const file = golden('sit.safetensors');
    expect((await inspectModelFile(file, { heads: 2 })).kind).toBe(
      'SiT or DiT, its tensors do not tell which',
    );
    expect((await inspectModelFile(file, { heads: 2, from: 'dit' })).kind).toBe('DiT');
    expect((await inspectModelFile(golden('diffusers'))).kind).toBe("DiT in diffusers' names");
    await expect(inspectModelFile(file)).rejects.toThrow(/attention heads of width 8: give it/);
    const { state } = await openModelFile(file, { from: 'sit', heads: 2 });
    const own = { file: 'own/weights', kind: 'own', metadata: {}, network: state.network };
    const found = await inspectModelFile(folder, {
      readOwnFolder: async () => ({ ...own, weights: state.trunk }),
    });
    expect(found).toMatchObject({
      file: 'own/weights',
      kind: 'own',
      tensors: Object.keys(state.trunk).length,
    });
    expect(found.networks['']).toMatchObject({ kind: 'SiT', problems: [] });
  });

  it('lists what is wrong', async () => {
    const { 'blocks.0.mlp.fc1.bias': bias, ...rest } = await readWeights(golden('sit.safetensors'));
    const data = new Uint8Array(new Float32Array(48).fill(Number.NaN).buffer);
    const broken = { dtype: 'F32', shape: [48], data } as const;
    const odd = { ...rest, extra: bias as never, 'blocks.1.adaLN_modulation.1.bias': broken };
    await writeSafetensors(at('odd.safetensors'), odd);
    const { networks, problems } = await inspectModelFile(at('odd.safetensors'), { heads: 2 });
    expect(problems).toEqual(networks['']?.problems);
    expect(networks['']?.problems).toEqual([
      'missing: blocks.0.mlp.fc1.bias',
      'unknown: extra',
      'not finite: element 0 of blocks.1.adaLN_modulation.1.bias is NaN, wanted finite numbers; take an earlier checkpoint.',
    ]);
  });

  it('tells networks apart that share names with SiT', async () => {
    const tensors = await readWeights(golden('repa.pt'), { part: 'ema' });
    const plain = Object.fromEntries(
      Object.entries(tensors).filter(([name]) => !name.startsWith('projectors.')),
    );
    await writeSafetensors(at('plain.safetensors'), plain);
    const kind = async (from?: 'repa' | 'sit'): Promise<string> =>
      (await inspectModelFile(at('plain.safetensors'), { heads: 2, ...(from && { from }) })).kind;
    expect(await kind()).toBe('SiT of REPA or plain LightningDiT, its tensors do not tell which');
    expect(await kind('sit')).toBe("LightningDiT or SiT, in SiT's time");
    expect(await kind('repa')).toBe("SiT in REPA's names");
    const bias = plain['final_layer.linear.bias'] as never;
    await writeSafetensors(at('rope.safetensors'), { ...plain, 'feat_rope.freqs_cos': bias });
    const { networks, problems } = await inspectModelFile(at('rope.safetensors'), { heads: 2 });
    expect(networks).toEqual({});
    expect(problems).toEqual([
      expect.stringMatching(/family of LightningDiT, with RoPE \(feat_rope.freqs_cos\)/),
    ]);
  });
});

describe('files as people have them', () => {
  const torch = (name: string): string =>
    fileURLToPath(new URL(`../../weight-files/test/golden/${name}`, import.meta.url));

  it('list what is not read and count the tensors outside a state dict', async () => {
    const { kind, metadata, unread, values, problems } = await inspectModelFile(torch('lightning.pt'));
    expect([kind, metadata, problems]).toEqual(['PyTorch weights', { parts: ['state_dict'] }, []]);
    expect(values).toMatchObject({ state_dict: 8, callbacks: 1, random: 624 });
    expect(unread).toContain('callbacks.__main__.Mode.path is pathlib.PosixPath("/", "runs", "a.ckpt")');
    expect(unread).toContain('words is a NumPy array of type U2');
  });

  it('may be TorchScript and of before torch 1.6', async () => {
    expect((await inspectModelFile(torch('scripted.pt'))).tensors).toBe(12);
    expect((await inspectModelFile(torch('old.pt'))).values).toMatchObject({ grid: 24, a: 2, b: 3 });
  });

  it('may have the network under a prefix, which is said', async () => {
    const tensors = await readWeights(golden('sit.safetensors'));
    const under = (prefix: string): Record<string, TensorEntry> =>
      Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [`${prefix}${name}`, tensor]));
    const file = join(folder, 'net.safetensors');
    await writeSafetensors(file, under('net.'));
    const { networks } = await inspectModelFile(file, { from: 'sit', heads: 2 });
    expect([networks['']?.prefix, networks['']?.problems]).toEqual(['net.', []]);
    const { prefix, state } = await openModelFile(file, { from: 'sit', heads: 2 });
    const plain = await openModelFile(golden('sit.safetensors'), { from: 'sit', heads: 2 });
    expect([prefix, plain.prefix]).toEqual(['net.', undefined]);
    expect(state).toEqual(plain.state);
    await writeSafetensors(file, { ...under('net.'), ...under('ema_model.') });
    await expect(openModelFile(file, { from: 'sit', heads: 2 })).rejects.toThrow(
      /There are networks under "\w+\.", "\w+\.": name one as the part \(--part\)/,
    );
    expect((await openModelFile(file, { from: 'sit', heads: 2, part: 'net' })).state).toEqual(plain.state);
  });
});
