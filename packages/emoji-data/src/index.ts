/** Emoji as a labelled image data set, drawn once and kept on disk. */
export { type Emoji, listEmoji } from './list-emoji.ts';
export { type ImageSet, type LoadEmojiOptions, loadEmoji } from './load-emoji.ts';
export { renderEmoji } from './render.ts';
export { EMOJI_CLASSES, EMOJI_SETS, type EmojiSet } from './sets.ts';
