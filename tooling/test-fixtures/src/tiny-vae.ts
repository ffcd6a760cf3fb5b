/** A VAE with random weights for images of 16 pixels, small enough for the plain CPU backend. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { disposeTree, philox } from '@ahpa/ops';
import { initVae, type VaeConfig, vaeConfigJson, vaeStateDict } from '@ahpa/vae-hierarchy';
import { fromFloat32, writeSafetensors } from '@ahpa/weight-files';

/** Its configuration, of stride 8. */
export const TINY_VAE: VaeConfig = {
  inChannels: 3,
  blockOutChannels: [4, 4, 4, 4],
  layersPerBlock: 1,
  latentChannels: 4,
  normNumGroups: 2,
  midBlockAttention: true,
  scalingFactor: 2,
  shiftFactor: 0.5,
};

/** Writes the VAE in diffusers' layout and returns its folder. */
export async function writeTinyVae(folder: string): Promise<string> {
  const path = join(folder, 'vae');
  mkdirSync(path, { recursive: true });
  const params = initVae(TINY_VAE, philox(5));
  const dict = await vaeStateDict(params, TINY_VAE);
  disposeTree(params);
  const tensors = Object.entries(dict).map(([key, { data, shape }]) => [
    key,
    fromFloat32(data, shape, 'F32'),
  ]);
  await writeSafetensors(join(path, 'diffusion_pytorch_model.safetensors'), Object.fromEntries(tensors));
  writeFileSync(join(path, 'config.json'), JSON.stringify(vaeConfigJson(TINY_VAE)));
  return path;
}
