import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeTinyVae } from '@ahpa/test-fixtures';
import { temporary } from '@ahpa/test-utils';
import { describe, expect, it } from 'vitest';
import { describeVae, inspectVae, isVae } from '../../src/models/inspect-vae.ts';

const home = temporary();

describe('inspectVae', () => {
  it('lists maps, costs and bytes of a folder', async () => {
    const path = await writeTinyVae(home);
    expect(await isVae(path)).toBe(true);
    expect(await isVae(join(path, 'diffusion_pytorch_model.safetensors'))).toBe(true);
    const found = await inspectVae({ kind: 'file', path }, 64, 4);
    expect(found).toMatchObject({ kind: 'AutoencoderKL', latent: [8, 8, 4], scalingFactor: 2 });
    expect(found.levels[0]).toMatchObject({
      name: 'conv_in',
      height: 64,
      width: 64,
      channels: 4,
      gmacs: (27 * 4 * 64 * 64) / 1e9,
      mapBytes: 2 * 4 * 64 * 64,
    });
    expect(found.levels.at(-1)).toMatchObject({ name: 'latent', height: 8, channels: 4 });
    // Label, moments of 8 x 8 x 4 in float32, and 16 tokens of 8, 4 and 4 channels in float16.
    expect(found.bytesPerImage).toBe(4 + 2 * 4 * 256 + 2 * 16 * 16);
    const lines = describeVae(found, 64, 4);
    expect(lines.join('\n')).toMatch(/conv_in +64x64x4 +0\.000/);
    expect(lines.at(-1)).toContain('2.5 kB');
  });

  const data = fileURLToPath(new URL('../../../../../shared/data/', import.meta.url));
  it.skipIf(!existsSync(`${data}taef2_encoder.pth`))(`takes a pair of weights files (${data})`, async () => {
    const found = await inspectVae(
      { kind: 'file', path: `${data}taef2_encoder.pth`, decoder: `${data}taef2_decoder.pth` },
      64,
      8,
    );
    expect(found).toMatchObject({ kind: 'AutoencoderTiny', latent: [8, 8, 32] });
  });
});
