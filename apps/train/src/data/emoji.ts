/** Emoji as data. */
import { EMOJI_SETS } from '@ahpa/emoji-data/sets';
import { defineData } from '@ahpa/image-features/options';
import { count, fraction, section } from '@ahpa/options';
import { z } from 'zod';

const options = section({
  sets: z
    .array(z.enum(EMOJI_SETS))
    .min(1)
    .default(['noto'])
    .describe('Emoji sets, drawn by Google (noto), Microsoft (fluent-emoji-flat) or Twitter (twemoji).'),
  size: count(64, 'Side of an image in pixels.'),
  perClass: z
    .int()
    .positive()
    .nullable()
    .default(null)
    .describe('At most this many emoji of each class and set; null for all.'),
  holdOut: fraction(
    0.1,
    'Share of the emoji that is never trained on; chosen by code points, from 0 to below 1.',
  ),
});

/** Emoji, drawn and encoded on first use. */
export const emojiData = defineData({
  kind: 'emoji',
  label: 'Emoji, labelled with their Unicode group.',
  options,
  open: async (options, reporter) => (await import('./open-emoji.ts')).openEmoji(options, reporter),
});
