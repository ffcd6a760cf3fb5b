/** Rights of an exported model: its licence and its training data. */

import type { EmojiSet } from '@ahpa/emoji-data/sets';
import { userError } from '@ahpa/messages';
import type { TrainConfig, VaeChoice } from '../config/types.ts';

/** Both must be stated. */
export interface Rights {
  /** SPDX identifier. */
  readonly license: string;
  /** Training data, in a sentence or two. */
  readonly data: string;
}

const SETS: Readonly<Record<EmojiSet, string>> = {
  noto: 'Noto Emoji (Google, Apache-2.0)',
  'fluent-emoji-flat': 'Fluent Emoji, flat (Microsoft, MIT)',
  twemoji: 'Twemoji (Twitter and contributors, CC BY 4.0)',
};

/** The stated rights, default those of the emoji sets. @throws where they are neither stated nor known. */
export function statedRights(
  { license, data }: { readonly license?: string; readonly data?: string },
  config: TrainConfig | undefined,
): Rights {
  const known = config?.data.kind === 'emoji' ? emojiRights(config.data.sets) : undefined;
  const rights = { license: license ?? known?.license, data: data ?? known?.data };
  if (rights.license === undefined || rights.data === undefined) {
    const missing = [
      ...(rights.license === undefined ? ['its licence, such as --license cc-by-nc-4.0'] : []),
      ...(rights.data === undefined ? ['what it was trained on, such as --data "ImageNet-1k, train"'] : []),
    ];
    throw userError(`A model that others get must say ${missing.join(' and ')}.`);
  }
  if (!/^[\w.+-]+$/.test(rights.license)) {
    throw userError(
      `--license is "${rights.license}", wanted an SPDX identifier such as apache-2.0 or cc-by-4.0.`,
    );
  }
  return { license: rights.license, data: rights.data };
}

function emojiRights(sets: readonly EmojiSet[]): Rights {
  return {
    license: sets.includes('twemoji') ? 'cc-by-4.0' : 'apache-2.0',
    data: `Emoji, labelled with their Unicode group: ${sets.map((set) => SETS[set]).join('; ')}.`,
  };
}

/** The text of `LICENSE`. */
export function licenceFile({ license, data }: Rights, vae: VaeChoice): string {
  const id = license.toUpperCase();
  return [
    'The weights in model.safetensors are licensed under',
    `SPDX-License-Identifier: ${id}`,
    `Text: https://spdx.org/licenses/ (look for ${id})`,
    '',
    `Trained on: ${data}`,
    '',
    vae.kind === 'file' && vae.path === 'vae'
      ? 'The autoencoder in vae/ is a copy and keeps the licence of its authors.'
      : 'The autoencoder that decodes is not part of this folder and has its own licence.',
    '',
  ].join('\n');
}
