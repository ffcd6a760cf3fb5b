/** A tar archive as a tree; only its headers are read when it is opened. */
import { type FileHandle, open } from 'node:fs/promises';
import { archiveTree, type Member } from './archive.ts';
import { cleanName, nameWriter } from './names.ts';
import { type TarEntry, type TarSource, tarEntries } from './tar-index.ts';
import { readingAhead } from './tar-source.ts';
import type { FileTree } from './tree.ts';
import { unpacked } from './unpack.ts';

/** Where the content of a file is. */
type Span = Pick<TarEntry, 'offset' | 'size'>;

/** Bytes after the end marker in which more members are looked for. */
const BEYOND = 1 << 16;

const toSource = (file: FileHandle, size: number): TarSource => ({
  size,
  read: async (target, position) => (await file.read(target, 0, target.length, position)).bytesRead,
});

/** Stored names and destinations as text, and sentences about those that are not as stored. */
function writtenNames(entries: readonly TarEntry[]): { text(name: string): string; notes: string[] } {
  const stored = entries.map(({ name }) => name);
  const utf8 = nameWriter(stored);
  const windows = !stored.some((name) => name.includes('/')) && stored.some((name) => name.includes('\\'));
  const text = (name: string): string => utf8(windows ? name.replaceAll('\\', '/') : name);
  const [odd, ...more] = stored.filter((name) => utf8(name) !== name);
  if (odd === undefined) return { text, notes: [] };
  return { text, notes: [`${more.length + 1} names are no UTF-8, such as ${cleanName(text(odd))}`] };
}

/** Members by name, hard links with the content that they share; of equal names the last counts, as in `tar`. */
function listMembers(entries: readonly TarEntry[]): { members: Member<Span>[]; notes: string[] } {
  const { text, notes } = writtenNames(entries);
  const write = (name: string): string => cleanName(text(name));
  const members = new Map<string, Member<Span>>();
  const twice: string[] = [];
  const describe = (name: string, { kind, offset, size, target }: TarEntry): Member<Span> => {
    if (kind === 'file') return { name, content: { offset, size } };
    if (kind === 'link') return { name, target: text(target) };
    if (kind === 'sparse') return { name, reason: 'stored sparsely' };
    const linked = kind === 'hard link' ? members.get(write(target)) : undefined;
    if (linked) return { ...linked, name };
    return { name, reason: kind === 'hard link' ? 'linked to nothing in the archive' : 'no regular file' };
  };
  for (const entry of entries) {
    const name = write(entry.name);
    const one = describe(name, entry);
    if (members.has(name)) twice.push(name);
    members.set(name, one);
  }
  if (twice.length > 0)
    notes.push(`${twice.length} names stand again, such as ${twice[0]}, and the last file counts, as in tar`);
  return { members: [...members.values()], notes };
}

/** Sentences about the end of an archive. */
async function describeEnd(source: TarSource, end: number | undefined): Promise<string[]> {
  if (end === undefined)
    return ['the end marker is missing; the archive may have been cut off between two files'];
  const rest = new Uint8Array(Math.min(BEYOND, source.size - end));
  await source.read(rest, end);
  return rest.some((byte) => byte !== 0)
    ? ['bytes follow the end marker and are not read; archives that were joined have to be separate files']
    : [];
}

/**
 * The files of a tar archive; one packed with gzip or Zstandard is unpacked into a temporary file first.
 * @throws Error where the archive is damaged or cut off, or there is no room to unpack it
 */
export async function openTar(path: string): Promise<FileTree> {
  const { file, notes: packed } = await unpacked(path, await open(path, 'r'));
  try {
    const source = toSource(file, (await file.stat()).size);
    const { entries, end } = await tarEntries(readingAhead(source), path);
    const { members, notes } = listMembers(entries);
    return await archiveTree<Span>({
      path,
      members,
      notes: [...packed, ...(await describeEnd(source, end)), ...notes],
      read: async ({ offset, size }, name) => {
        const bytes = new Uint8Array(size);
        if ((await source.read(bytes, offset)) < size)
          throw new Error(`${path}: the archive ends inside ${name}.`);
        return bytes;
      },
      close: () => file.close(),
    });
  } catch (error) {
    await file.close();
    throw error;
  }
}
