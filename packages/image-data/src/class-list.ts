/** Names of classes that are given beside a source. */
import { readFile } from 'node:fs/promises';
import type { ImageSource } from './image-source.ts';

/** Names of classes in their order, and where they come from. */
export interface ClassList {
  readonly path: string;
  readonly names: readonly string[];
}

function parseNames(text: string, path: string): readonly unknown[] {
  if (!path.endsWith('.json'))
    return text
      .trimEnd()
      .split('\n')
      .map((line) => line.trim());
  try {
    const names = JSON.parse(text) as unknown;
    return Array.isArray(names) ? names : [];
  } catch (cause) {
    throw new Error(`${path} is not JSON (${(cause as Error).message}).`, { cause });
  }
}

/**
 * The class names of a file: one a line, or a list in `.json`.
 * @throws Error where there are none, or one is empty or there twice
 */
export async function readClassList(path: string): Promise<ClassList> {
  const names = parseNames((await readFile(path, 'utf8')).replace(/^\uFEFF/, ''), path);
  const odd = names.findIndex(
    (name, index) => typeof name !== 'string' || name === '' || names.indexOf(name) < index,
  );
  if (names.length > 0 && odd < 0) return { path, names: names as string[] };
  const got =
    names.length === 0 ? 'has no list of names' : `has ${JSON.stringify(names[odd])} as class ${odd}`;
  throw new Error(`${path} ${got}, wanted class names, each once, one a line or as a list in .json.`);
}

/**
 * The source with the classes of a list: by name, or by index where the source has no names.
 * @throws Error where the source has an image of a class that the list lacks
 */
export function withClasses(source: ImageSource, list: ClassList | undefined): ImageSource {
  if (list === undefined) return source;
  const indices = new Map(list.names.map((name, index) => [name, index]));
  const indexOf = (label: number): number | undefined =>
    source.indexed
      ? label < list.names.length
        ? label
        : undefined
      : indices.get(source.classes[label] as string);
  const unknown = [...new Set(source.labels)].filter((label) => indexOf(label) === undefined);
  if (unknown.length > 0) {
    const names = unknown.sort((a, b) => a - b).map((label) => source.classes[label]);
    throw new Error(
      `${source.path} has images of ${source.indexed ? 'the class index' : 'the class'} ${names.slice(0, 8).join(', ')}${names.length > 8 ? ' and more' : ''}, which ${list.path} lacks: it has ${list.names.length} classes, ${list.names.slice(0, 8).join(', ')}${list.names.length > 8 ? ', ...' : ''}.`,
    );
  }
  return {
    ...source,
    labels: source.labels.map((label) => indexOf(label) as number),
    classes: list.names,
    notes: [...source.notes, `Classes of ${list.path}.`],
  };
}
