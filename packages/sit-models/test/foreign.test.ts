import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSafetensors, readWeights, type TensorEntry, writeSafetensors } from '@ahpa/weight-files';
import { describe, expect, it } from 'vitest';
import { convertModelFile, inspectModelFile, openModelFile } from '../src/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'sit-models-'));
const golden = (name: string): string => join(import.meta.dirname, 'golden', name);
const at = (name: string): string => join(folder, name);

const ONE_HEAD = { heads: 1 };

describe('the arguments in a training checkpoint', () => {
  it("give a plain LightningDiT SiT's time", async () => {
    const { state } = await openModelFile(golden('lightning.pt'), ONE_HEAD);
    expect(state.network).toMatchObject({ convention: 'sit', learnSigma: false, classes: 3 });
    expect(state.network.hasNullClass).toBeUndefined();
    const found = await inspectModelFile(golden('lightning.pt'), ONE_HEAD);
    expect(found).toMatchObject({ kind: 'PyTorch checkpoint: LightningDiT', moments: 1, problems: [] });
    expect(found.args).toMatchObject({
      'model.model_type': 'LightningDiT-B/1',
      'transport.prediction': 'velocity',
      'data.num_classes': 3,
    });
  });

  it('tell SiT from DiT, whose files have the same tensors', async () => {
    const { state } = await openModelFile(golden('dit.pt'), ONE_HEAD);
    expect(state.network).toMatchObject({ convention: 'dit', classes: 3 });
    const sit = await openModelFile(golden('sit-no-null.pt'), ONE_HEAD);
    expect(sit.state.network.convention).toBe('sit');
    const forced = await openModelFile(golden('dit.pt'), { ...ONE_HEAD, from: 'sit' });
    expect(forced.state.network.convention).toBe('sit');
  });

  it('show a network that predicts noise', async () => {
    await expect(openModelFile(golden('sit-noise.pt'), ONE_HEAD)).rejects.toThrow(
      /name the prediction noise, and only networks of velocity are read/,
    );
  });
});

describe('a network without label dropout', () => {
  it('keeps all its classes, by its arguments, by --classes or as the 1,000 of ImageNet', async () => {
    const wanted = { classes: 3, hasNullClass: false };
    const { state } = await openModelFile(golden('sit-no-null.pt'), ONE_HEAD);
    expect(state.network).toMatchObject(wanted);
    await writeSafetensors(at('bare.safetensors'), {
      ...state.trunk,
      pos_embed: state.positions as TensorEntry,
    });
    const open = (classes?: number) =>
      openModelFile(at('bare.safetensors'), { ...ONE_HEAD, from: 'sit', ...(classes && { classes }) });
    expect((await open(3)).state.network).toMatchObject(wanted);
    expect((await open(2)).state.network).toMatchObject({ classes: 2 });
    await expect(open(7)).rejects.toThrow(/has 3 rows, wanted 7 or, with the null class, 8/);
    const table: TensorEntry = { dtype: 'F32', shape: [1000, 4], data: new Uint8Array(16000) };
    const imagenet = { ...state.trunk, 'y_embedder.embedding_table.weight': table };
    await writeSafetensors(at('imagenet.safetensors'), {
      ...imagenet,
      pos_embed: state.positions as TensorEntry,
    });
    const { state: large } = await openModelFile(at('imagenet.safetensors'), { ...ONE_HEAD, from: 'sit' });
    expect(large.network).toMatchObject({ classes: 1000, hasNullClass: false });
  });

  it('is converted with its number of classes, and not into diffusers, whose class has a null class', async () => {
    const request = { input: golden('sit-no-null.pt'), ...ONE_HEAD };
    await convertModelFile({ ...request, output: at('no-null.safetensors') });
    expect((await readSafetensors(at('no-null.safetensors'))).metadata).toMatchObject({ classes: '3' });
    const { state } = await openModelFile(at('no-null.safetensors'), ONE_HEAD);
    expect(state.network).toMatchObject({ classes: 3, hasNullClass: false, convention: 'sit' });
    const dit = { ...request, from: 'dit', to: 'diffusers', output: at('diffusers') } as const;
    await expect(convertModelFile(dit)).rejects.toThrow(
      /diffusers' .* has a null class, and the network none/,
    );
  });
});

describe('another network under the same names', () => {
  it('is named by its family and what is missing here', async () => {
    const foreign = /family of LightningDiT, with RoPE .*SwiGLU .*RMSNorm/;
    await expect(
      openModelFile(golden('lightning-full.pt'), { ...ONE_HEAD, dropUnknown: true }),
    ).rejects.toThrow(foreign);
    const found = await inspectModelFile(golden('lightning-full.pt'), ONE_HEAD);
    expect(found.kind).toBe('PyTorch checkpoint: LightningDiT');
    expect(found.problems).toEqual([expect.stringMatching(foreign)]);
  });

  it('is refused with --drop-unknown for any tensor inside its layers, and adaLN without shift', async () => {
    const { state } = await openModelFile(golden('lightning.pt'), ONE_HEAD);
    const { trunk } = state;
    const bias = trunk['final_layer.linear.bias'] as TensorEntry;
    const open = async (more: Record<string, TensorEntry>) => {
      await writeSafetensors(at('other.safetensors'), { ...trunk, ...more });
      return openModelFile(at('other.safetensors'), {
        heads: 1,
        latentSize: 4,
        from: 'sit',
        dropUnknown: true,
      });
    };
    expect((await open({ 'logvar.bias': bias })).unknown).toEqual(['logvar.bias']);
    await expect(open({ 'blocks.0.attn.gate.bias': bias })).rejects.toThrow(
      /is another network: its layers have blocks\.0\.attn\.gate\.bias/,
    );
    const weight: TensorEntry = { dtype: 'F32', shape: [16, 4], data: new Uint8Array(256) };
    await expect(open({ 'blocks.0.adaLN_modulation.1.weight': weight })).rejects.toThrow(
      /LightningDiT, with adaLN without shift/,
    );
    await expect(open({ 'cls_projectors2.weight': bias })).rejects.toThrow(/REG, with a class token/);
  });
});

describe('a whole checkpoint as safetensors', () => {
  it('is inspected part by part, with its moments', async () => {
    const input = join(import.meta.dirname, '../../sit-weights/test/golden/repa.pt');
    await convertModelFile({ input, output: at('whole.safetensors'), heads: 2, part: 'all' });
    const found = await inspectModelFile(at('whole.safetensors'), { heads: 2 });
    expect(Object.keys(found.networks).sort()).toEqual(['ema', 'model']);
    expect(found).toMatchObject({ step: 3, moments: 27, problems: [] });
    const { part } = await openModelFile(at('whole.safetensors'), { heads: 2 });
    expect(part).toBe('ema');
    expect(Object.keys(await readWeights(at('whole.safetensors'))).length).toBeGreaterThan(100);
  });
});
