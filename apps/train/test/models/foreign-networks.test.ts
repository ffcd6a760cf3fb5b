import { join } from 'node:path';
import { convertModelFile } from '@ahpa/sit-models';
import { writeTinyVae } from '@ahpa/test-fixtures';
import { temporary } from '@ahpa/test-utils';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ahpaFormat } from '../../src/models/ahpa-format.ts';
import { loadModel } from '../../src/models/load-model.ts';
import { openImageSampler } from '../../src/models/open-image-sampler.ts';
import { createProgram } from '../../src/program.ts';
import { sampleInBatches } from '../../src/sampling/sample-images.ts';
import { listener } from '../tiny.ts';

const folder = temporary();
const golden = (name: string): string =>
  join(import.meta.dirname, '../../../../packages/sit-models/test/golden', name);

afterEach(() => {
  process.exitCode = undefined;
  vi.restoreAllMocks();
});

describe('a network without label dropout', () => {
  it('keeps its classes in a folder of this program, and is sampled without guidance alone', async () => {
    const output = join(folder, 'no-null');
    const format = ahpaFormat({ vae: 'vae', runs: folder }, listener());
    await convertModelFile({ input: golden('sit-no-null.pt'), output, heads: 1 }, format);
    const model = await loadModel(output, { runs: folder }, listener());
    expect(model.network).toMatchObject({ classes: 3, hasNullClass: false });
    await expect(openImageSampler(model, { sample: { guidance: 1.5 } })).rejects.toThrow(
      /without label dropout and has no null class, so guidance 1.5 .* --cfg 1/,
    );
    await expect(openImageSampler(model, { sample: { guidance: 1 } })).rejects.toThrow(/vae/);
  });
});

describe("DiT's own weights", () => {
  it("are drawn by DiT's diffusion, and by no solver of a velocity", async () => {
    const output = join(folder, 'dit');
    const format = ahpaFormat({ vae: await writeTinyVae(folder), runs: folder }, listener());
    await convertModelFile({ input: golden('dit.pt'), output, heads: 1 }, format);
    const model = await loadModel(output, { runs: folder }, listener());
    expect(model.sample).toMatchObject({ sampler: 'ddpm', steps: 250, guidanceChannels: 3 });
    const open = (sample: Partial<typeof model.sample>): ReturnType<typeof openImageSampler> =>
      openImageSampler(model, { backend: 'cpu', sample: { guidance: 4, ...sample } });
    await expect(open({ sampler: 'euler' })).rejects.toThrow(
      /DiT's networks predict noise: choose ddpm or ddim/,
    );
    for (const sampler of ['ddpm', 'ddim'] as const) {
      const opened = await open({ sampler, steps: 3 });
      const { size } = opened.sampler;
      const drawn: (readonly [number, readonly number[]])[] = [];
      await sampleInBatches(opened.sampler, [0, 2], 0, async (first, { shape }) => {
        drawn.push([first, shape]);
      });
      expect(drawn).toEqual([[0, [2, size, size, 3]]]);
      opened.dispose();
    }
    const velocity = { ...model, network: { ...model.network, convention: 'sit' } } as const;
    await expect(openImageSampler(velocity, { backend: 'cpu' })).rejects.toThrow(
      /ddpm is for DiT's networks.*choose euler, heun, sde or dopri5/,
    );
  });
});

describe('ahpa inspect', () => {
  const inspect = async (file: string): Promise<string> => {
    let text = '';
    for (const stream of [process.stdout, process.stderr])
      vi.spyOn(stream, 'write').mockImplementation((chunk) => {
        text += chunk;
        return true;
      });
    await createProgram().parseAsync(['node', 'ahpa', 'inspect', golden(file), '--heads', '1']);
    return text;
  };

  it('prints family, arguments and moments of a checkpoint', async () => {
    const text = await inspect('lightning.pt');
    expect(text).toContain('PyTorch checkpoint: LightningDiT, undamaged as far as it can tell');
    expect(text).toContain('  moments of 1 parameters');
    expect(text).toContain('  model.model_type: LightningDiT-B/1');
    expect(process.exitCode).toBeUndefined();
  });

  it('ends in exit code 1 where tensors do not fit', async () => {
    const text = await inspect('lightning-full.pt');
    expect(text).toContain('LightningDiT, does not fit its network');
    expect(text).toMatch(/with RoPE .*SwiGLU .*RMSNorm/);
    expect(process.exitCode).toBe(1);
  });
});
