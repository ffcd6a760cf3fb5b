/** Text from files and users as a terminal may show it, and lists of names in few characters. */

/** Control characters, line separators, marks that reorder text, and halves of surrogate pairs. */
const UNPRINTABLE = /[\p{Cc}\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]|\p{Cs}/gu;

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** The text in one line that commands no terminal: control characters as JSON escapes them, `\n` and `\u001b`. */
export function printable(text: string): string {
  return text.replace(
    UNPRINTABLE,
    (character) => SHORT[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

const segmenter = new Intl.Segmenter();

/** The text, with an ellipsis in place of its middle where it has more than `most` characters as a reader counts them. */
export function shorten(text: string, most: number): string {
  if (text.length <= most) return text;
  const characters = Array.from(segmenter.segment(text), ({ segment }) => segment);
  if (characters.length <= most) return text;
  const head = Math.ceil((most - 1) / 2);
  return [...characters.slice(0, head), '…', ...characters.slice(characters.length - (most - 1 - head))].join(
    '',
  );
}

/** Names that a list shows, and the characters of one. */
const LIST = { names: 12, characters: 40 };

/** The first twelve names, each with its count where counts are given, and how many more there are: `cat 3, dog 5, 988 more`. */
export function listNames(names: readonly string[], counts?: readonly number[]): string {
  const shown = names
    .slice(0, LIST.names)
    .map((name, index) => shorten(name, LIST.characters) + (counts ? ` ${counts[index] ?? 0}` : ''));
  const more = names.length - shown.length;
  return [...shown, ...(more > 0 ? [`${more} more`] : [])].join(', ');
}

/** Number and names of classes, `2 classes: cat 3, dog 5`, with the images of each and how many have none where counts are given. */
export function describeClasses(classes: readonly string[], counts?: readonly number[]): string {
  const empty = counts?.filter((count) => count === 0).length ?? 0;
  const named = classes.map((name, index) => ({ name, count: counts?.[index] ?? 0 }));
  const listed = counts ? named.filter(({ count }) => count > 0) : named;
  const list = listNames(
    listed.map(({ name }) => name),
    counts && listed.map(({ count }) => count),
  );
  const without = empty === 0 ? '' : `; ${empty} without an image`;
  return `${classes.length} ${classes.length === 1 ? 'class' : 'classes'}: ${list}${without}`;
}
