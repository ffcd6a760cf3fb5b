import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSafetensors, readWeights, writeSafetensors } from '@ahpa/weight-files';
import { describe, expect, it } from 'vitest';
import {
  type Converted,
  type ConvertRequest,
  convertModelFile,
  type OwnFormat,
  openWeights,
} from '../src/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'sit-models-'));
const golden = (name: string): string => join(import.meta.dirname, '../../sit-weights/test/golden', name);
const at = (name: string): string => join(folder, name);
const bytes = (path: string): Buffer => readFileSync(path);

const WEIGHTS = 'diffusion_pytorch_model.safetensors';
const SIT = { from: 'sit', heads: 2 } as const;

function run(input: string, output: string, more: Partial<ConvertRequest> = {}): Promise<Converted> {
  return convertModelFile({ input, output, ...more });
}

describe('convertModelFile', () => {
  it("writes SiT's own file again to the same bytes", async () => {
    const input = golden('sit.safetensors');
    const direct = await run(input, at('sit.safetensors'), SIT);
    expect(direct.network).toMatchObject({ convention: 'sit', learnSigma: true });
    expect(bytes(at('sit.safetensors'))).toEqual(bytes(input));
  });

  it("turns DiT's file into diffusers' folder and back, with the positions that DiT's module has", async () => {
    const input = golden('sit.safetensors');
    await run(input, at('dit'), { from: 'dit', heads: 2 });
    expect(bytes(at(`dit/${WEIGHTS}`))).toEqual(bytes(golden(`diffusers/${WEIGHTS}`)));
    await run(at('dit'), at('dit.safetensors'));
    expect(bytes(at('dit.safetensors'))).toEqual(bytes(input));
  });

  it("takes the average out of REPA's checkpoint", async () => {
    const file = await run(golden('repa.pt'), at('repa.safetensors'), { heads: 2 });
    expect(file).toMatchObject({ part: 'ema', left: [], network: { convention: 'repa' } });
    const written = await readWeights(at('repa.safetensors'));
    expect(written).toEqual(await readWeights(golden('repa.pt'), { part: 'ema' }));
  });

  it('writes a whole training checkpoint with the moments by name, whose parts are read again', async () => {
    const all = await run(golden('repa.pt'), at('all.safetensors'), { heads: 2, part: 'all' });
    expect(all).toMatchObject({ part: 'all', left: [] });
    const { metadata, tensors } = await readSafetensors(at('all.safetensors'));
    expect(metadata).toMatchObject({ steps: '3', updates: '3' });
    const parts = new Set(Object.keys(tensors).map((name) => name.split('.')[0]));
    expect([...parts].sort()).toEqual(['ema', 'exp_avg', 'exp_avg_sq', 'model']);
    expect(tensors['exp_avg.projectors.0.2.weight']?.shape).toEqual([4, 4]);
    await run(at('all.safetensors'), at('ema.safetensors'), { heads: 2, part: 'ema' });
    await run(golden('repa.pt'), at('direct.safetensors'), { heads: 2 });
    expect(bytes(at('ema.safetensors'))).toEqual(bytes(at('direct.safetensors')));
  });

  it('converts from and into a format of the application', async () => {
    const file = (path: string): string => join(path, 'own.safetensors');
    const own: OwnFormat<{ readonly steps: number }> = {
      form: 'own',
      open: async (path) => {
        if (!existsSync(file(path))) return undefined;
        const { network } = JSON.parse(readFileSync(join(path, 'network.json'), 'utf8'));
        return { ...openWeights(await readWeights(file(path)), network, file(path)), own: { steps: 3 } };
      },
      write: async (path, { state, own: record }) => {
        mkdirSync(path);
        await writeSafetensors(file(path), state.trunk);
        writeFileSync(join(path, 'network.json'), JSON.stringify({ network: state.network, record }));
      },
    };
    const input = golden('sit.safetensors');
    const { left } = await convertModelFile({ input, output: at('own'), ...SIT }, own);
    expect(left).toEqual([]);
    await convertModelFile({ input: at('own'), output: at('own-again') }, own);
    expect(readFileSync(join(at('own-again'), 'network.json'), 'utf8')).toContain('"record":{"steps":3}');
    await convertModelFile({ input: at('own-again'), output: at('from-own.safetensors') }, own);
    expect(bytes(at('from-own.safetensors'))).toEqual(bytes(input));
  });

  it('refuses what it cannot carry over, by name', async () => {
    const tensors = await readWeights(golden('sit.safetensors'));
    const extra = { ...tensors, 'wg_norm.bias': tensors['final_layer.linear.bias'] as never };
    await writeSafetensors(at('extra.safetensors'), extra);
    await expect(run(at('extra.safetensors'), at('x.safetensors'), SIT)).rejects.toThrow(
      /unknown: wg_norm.bias/,
    );
    const { left } = await run(at('extra.safetensors'), at('x.safetensors'), { ...SIT, dropUnknown: true });
    expect(left).toEqual(['wg_norm.bias']);

    const broken = structuredClone(
      tensors['pos_embed'] as { dtype: 'F32'; shape: number[]; data: Uint8Array },
    );
    broken.data[3] = 0x41;
    await writeSafetensors(at('moved.safetensors'), { ...tensors, pos_embed: broken });
    await expect(run(at('moved.safetensors'), at('x.safetensors'), SIT)).rejects.toThrow(
      /element 0 of pos_embed .* trained with other positions/,
    );

    await expect(run(golden('sit.safetensors'), at('x'), { ...SIT, to: 'own' })).rejects.toThrow(
      /no form own: name repa, sit, dit, diffusers/,
    );
    await expect(
      run(golden('sit.safetensors'), at('x.safetensors'), { ...SIT, to: 'diffusers' }),
    ).rejects.toThrow(/form diffusers is a folder/);
    await expect(run(golden('sit.safetensors'), at('x'), { ...SIT, to: 'diffusers' })).rejects.toThrow(
      /sit cannot be turned into dit/,
    );
    await expect(run(golden('repa.pt'), at('x.safetensors'), { part: 'opt' })).rejects.toThrow(
      /no part "opt": it has model, ema/,
    );
    await expect(run(golden('nothing.pt'), at('x.safetensors'))).rejects.toThrow(/no such file/);
  });

  it("asks for the time of a plain LightningDiT, and of REPA's without heads, and writes it down", async () => {
    const tensors = await readWeights(golden('repa.pt'), { part: 'ema' });
    const plain = Object.fromEntries(
      Object.entries(tensors).filter(([name]) => !name.startsWith('projectors.')),
    );
    await writeSafetensors(at('plain.safetensors'), plain);
    const input = at('plain.safetensors');
    await expect(run(input, at('x-plain.safetensors'), { heads: 2 })).rejects.toThrow(
      /opposite times: say which it is \(--from repa, or --from sit for LightningDiT\)/,
    );
    await run(input, at('as-repa.safetensors'), { heads: 2, from: 'repa' });
    expect(await readWeights(at('as-repa.safetensors'))).toEqual(plain);
    await run(at('as-repa.safetensors'), at('again.safetensors'), { heads: 2 });
    expect(bytes(at('again.safetensors'))).toEqual(bytes(at('as-repa.safetensors')));
    const { network } = await run(input, at('turned.safetensors'), { heads: 2, from: 'sit', to: 'repa' });
    expect(network).toMatchObject({ convention: 'repa', learnSigma: false });
    expect(bytes(at('turned.safetensors'))).not.toEqual(bytes(at('as-repa.safetensors')));
  });

  it('refuses other networks by family, whatever is left out', async () => {
    const tensors = await readWeights(golden('sit.safetensors'));
    const bias = tensors['final_layer.linear.bias'] as never;
    for (const [name, wanted] of [
      ['feat_rope.freqs_cos', /LightningDiT, with RoPE/],
      ['blocks.0.mlp.w12.weight', /LightningDiT, with SwiGLU/],
      ['blocks.0.norm1.weight', /LightningDiT, with RMSNorm/],
      ['blocks.0.attn.q_norm.weight', /LightningDiT, with RMSNorm/],
      ['bn.running_mean', /REPA-E, with batch normalisation/],
    ] as const) {
      await writeSafetensors(at('foreign.safetensors'), { ...tensors, [`module.${name}`]: bias });
      await expect(
        run(at('foreign.safetensors'), at('no.safetensors'), { ...SIT, dropUnknown: true }),
      ).rejects.toThrow(wanted);
    }
    expect(existsSync(at('no.safetensors'))).toBe(false);
  });
});
