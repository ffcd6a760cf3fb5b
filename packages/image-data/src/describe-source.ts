/** Sentences about the contents of a source. */
import type { ImageSource } from './image-source.ts';
import type { LeftOut } from './left-out.ts';

/** The most classes whose counts a sentence names. */
const NAMED = 12;

/** Images of a source and their classes with counts, then a sentence for each kind of file that is left out. */
export function describeSource(
  source: Pick<ImageSource, 'path' | 'names' | 'labels' | 'classes' | 'leftOut'>,
): string[] {
  const { path, names, labels, classes, leftOut } = source;
  const counts = new Array<number>(classes.length).fill(0);
  for (const label of labels) counts[label] = (counts[label] as number) + 1;
  const named = classes.slice(0, NAMED).map((name, index) => `${name} ${counts[index]}`);
  const more = classes.length - NAMED;
  const list = [...named, ...(more > 0 ? [`${more} more`] : [])].join(', ');
  return [
    `${path}: ${names.length} image${names.length === 1 ? '' : 's'} in ${classes.length} class${classes.length === 1 ? '' : 'es'}: ${list}.`,
    ...leftOut.map(describeLeftOut),
  ];
}

/** A sentence about files that are not read. */
export function describeLeftOut({ reason, extension, count, example }: LeftOut): string {
  const kind = extension === '' ? 'without extension' : extension;
  return `Left out: ${count} ${count === 1 ? 'file' : 'files'} ${kind}, which ${count === 1 ? 'is' : 'are'} ${reason} (${example}).`;
}
