/** The classes that a user names. */
import { userError } from '@ahpa/messages';
import { closest } from 'fastest-levenshtein';

/** Indices of the classes for a name (or a part that one name alone has), an index or `all`. @throws where none matches. */
export function chooseClasses(text: string, classes: readonly string[]): number[] {
  if (text === 'all') return classes.map((_, label) => label);
  if (/^\d+$/.test(text) && Number(text) < classes.length) return [Number(text)];
  const wanted = text.toLowerCase();
  const names = classes.map((name) => name.toLowerCase());
  if (names.includes(wanted)) return [names.indexOf(wanted)];
  const matches = names.flatMap((name, label) => (name.includes(wanted) ? [label] : []));
  if (matches.length === 1) return matches;
  const nearest = classes[names.indexOf(closest(wanted, names))];
  throw userError(
    `There is no class "${text}": the nearest is "${nearest}", and indices go from 0 to ${classes.length - 1}.`,
  );
}
