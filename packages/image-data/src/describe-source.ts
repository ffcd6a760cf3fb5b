/** Sentences about the contents of a source. */
import type { ImageSource } from './image-source.ts';
import type { LeftOut } from './left-out.ts';

/** The most classes whose counts a sentence names. */
const NAMED = 12;

/** The first few of some names, and how many more there are. */
function few(names: readonly string[]): string {
  const more = names.length - NAMED;
  return [...names.slice(0, NAMED), ...(more > 0 ? [`${more} more`] : [])].join(', ');
}

/**
 * Images of a source and their classes with counts, then its notes, classes without an image, and a sentence for
 * each kind of file that is left out.
 */
export function describeSource(
  source: Pick<ImageSource, 'path' | 'names' | 'labels' | 'classes' | 'notes' | 'leftOut'>,
): string[] {
  const { path, names, labels, classes, notes, leftOut } = source;
  const counts = new Array<number>(classes.length).fill(0);
  for (const label of labels) counts[label] = (counts[label] as number) + 1;
  const some = classes.flatMap((name, index) => (counts[index] === 0 ? [] : [`${name} ${counts[index]}`]));
  const none = classes.filter((_, index) => counts[index] === 0);
  const of = none.length === 0 ? '' : `${some.length} of `;
  return [
    `${path}: ${names.length} image${names.length === 1 ? '' : 's'} in ${of}${classes.length} class${classes.length === 1 ? '' : 'es'}: ${few(some)}.`,
    ...notes,
    ...(none.length === 0 ? [] : [`Without an image, but with an index: ${few(none)}.`]),
    ...leftOut.map(describeLeftOut),
  ];
}

/** A sentence about files that are not read. */
export function describeLeftOut({ reason, extension, count, example }: LeftOut): string {
  const kind = extension === '' ? 'without extension' : extension;
  return `Left out: ${count} ${count === 1 ? 'file' : 'files'} ${kind}, which ${count === 1 ? 'is' : 'are'} ${reason} (${example}).`;
}
