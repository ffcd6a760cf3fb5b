/** Emoji of an installed Iconify set with their Unicode groups, not drawn yet. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { hashFraction } from '@ahpa/image-data';
import { EMOJI_CLASSES, type EmojiSet } from './sets.ts';

/** One emoji of a set, not drawn yet. */
export interface Emoji {
  readonly name: string;
  /** Unicode code points in hexadecimal, joined by `-`; the same in every set. */
  readonly code: string;
  /** Index into `EMOJI_CLASSES`. */
  readonly label: number;
  readonly svg: string;
}

interface Icon {
  readonly body: string;
  readonly hidden?: boolean;
  readonly width?: number;
  readonly height?: number;
}

const SKIN_TONE = /1f3f[b-f]/;
const require = createRequire(import.meta.url);

function readPart<T>(set: EmojiSet, file: string): T {
  return JSON.parse(readFileSync(require.resolve(`@iconify-json/${set}/${file}`), 'utf8')) as T;
}

/** Version of the installed package of an emoji set. */
export function emojiSetVersion(set: EmojiSet): string {
  return readPart<{ version: string }>(set, 'package.json').version;
}

/**
 * Emoji of a set by name: every Unicode group, but no skin tones, hidden icons or pictures drawn twice.
 * `perClass` keeps at most that many of each group, the same ones in every set that has them.
 */
export function listEmoji(set: EmojiSet, perClass: number | null = null): Emoji[] {
  const icons = readPart<{ icons: Record<string, Icon>; width: number; height: number }>(set, 'icons.json');
  const { categories } = readPart<{ categories: Record<string, string[]> }>(set, 'metadata.json');
  const codes = new Map(
    Object.entries(readPart<Record<string, string>>(set, 'chars.json')).map(([code, name]) => [name, code]),
  );
  const drawn = new Set<string>();
  return EMOJI_CLASSES.flatMap((group, label) => {
    const members: Emoji[] = [];
    for (const name of [...(categories[group] ?? [])].sort()) {
      const icon = icons.icons[name];
      const code = codes.get(name);
      if (!icon || icon.hidden || !code || SKIN_TONE.test(code) || drawn.has(icon.body)) continue;
      drawn.add(icon.body);
      const box = `0 0 ${icon.width ?? icons.width} ${icon.height ?? icons.height}`;
      members.push({ name, code, label, svg: svgDocument(icon.body, box) });
    }
    if (perClass === null) return members;
    return members
      .sort((a, b) => hashFraction(`subset/${a.code}`) - hashFraction(`subset/${b.code}`))
      .slice(0, perClass);
  }).sort((a, b) => (a.name < b.name ? -1 : 1));
}

function svgDocument(body: string, viewBox: string): string {
  const namespaces = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"';
  return `<svg ${namespaces} viewBox="${viewBox}">${body}</svg>`;
}
