/** Options that name a frozen VAE. */
import { optionalText, section, text, type Written } from '@ahpa/options';
import { z } from 'zod';

const packagedVae = section({
  kind: z.literal('emoji-vae').describe('The small autoencoder that comes with this repository.'),
});

const vaeFile = section({
  kind: z.literal('file').describe('An AutoencoderKL or AutoencoderTiny on disk.'),
  path: text(
    'Folder in diffusers layout, or a weights file (safetensors or PyTorch, any published key names); on the Hugging Face hub as hf:org/name[/path][@revision].',
  ),
  decoder: optionalText('Second weights file, where encoder and decoder come apart (TAESD).'),
  config: optionalText(
    "A diffusers config.json; null for the one beside the weights, or else by the weights' shapes.",
  ),
  scale: z
    .number()
    .positive()
    .nullable()
    .default(null)
    .describe('Factor of latents where no config.json gives it; 0.18215 for SD, 0.13025 for SDXL.'),
  shift: z
    .number()
    .nullable()
    .default(null)
    .describe('Offset of latents where no config.json gives it; null for none.'),
});

/** Schema of the choice. */
export const vaeChoice = z.discriminatedUnion('kind', [packagedVae, vaeFile]);

/** An autoencoder on disk or on the hub. */
export type VaeFileChoice = Written<typeof vaeFile>;

/** A frozen autoencoder: that of `@ahpa/emoji-vae`, or one on disk or on the hub. */
export type VaeChoice = Written<typeof vaeChoice>;
