/** Names of the emoji sets and of their classes. */

/** Emoji sets: Google's (Apache 2.0), Microsoft's (MIT) and Twitter's (CC BY 4.0). */
export const EMOJI_SETS = ['noto', 'fluent-emoji-flat', 'twemoji'] as const;

/** Name of an emoji set, which is also its package under `@iconify-json`. */
export type EmojiSet = (typeof EMOJI_SETS)[number];

/** Unicode's emoji groups, sorted; a picture's label is the index of its group. */
export const EMOJI_CLASSES = [
  'Activities',
  'Animals & Nature',
  'Flags',
  'Food & Drink',
  'Objects',
  'People & Body',
  'Smileys & Emotion',
  'Symbols',
  'Travel & Places',
] as const;
