/** A trained VAE in diffusers' layout. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type VaeConfig, type VaeParams, vaeConfigJson, vaeStateDict } from '@ahpa/vae-hierarchy';
import { fromFloat32, writeSafetensors } from '@ahpa/weight-files';

/** Writes `config.json` and fp16 weights, with the latents scaled to unit deviation. */
export async function exportVae(
  out: string,
  params: VaeParams,
  vae: VaeConfig,
  latentStd: number,
): Promise<void> {
  const config = { ...vae, scalingFactor: Number((1 / latentStd).toPrecision(6)) };
  const dict = await vaeStateDict(params, config);
  const tensors = Object.entries(dict).map(([key, { data, shape }]) => [
    key,
    fromFloat32(data, shape, 'F16'),
  ]);
  await writeSafetensors(join(out, 'diffusion_pytorch_model.safetensors'), Object.fromEntries(tensors), {
    format: 'pt',
  });
  await writeFile(join(out, 'config.json'), `${JSON.stringify(vaeConfigJson(config), null, 2)}\n`);
}
