/** A zip archive, stored or deflated, as a tree. */
import { buffer } from 'node:stream/consumers';
import yauzl, { type Entry, type ZipFile } from 'yauzl';
import { countLeftOut } from './left-out.ts';
import type { FileTree } from './tree.ts';

/** Upper bound of the size of an image or label file. */
const LARGEST_ENTRY = 1 << 30;

function openArchive(path: string): Promise<{ zip: ZipFile; entries: Entry[] }> {
  return new Promise((resolve, reject) => {
    yauzl.open(path, { lazyEntries: true, autoClose: false }, (error, zip) => {
      if (error) return reject(error);
      const entries: Entry[] = [];
      zip.on('error', (cause) => {
        zip.close();
        reject(cause);
      });
      zip.on('end', () => resolve({ zip, entries }));
      zip.on('entry', (entry: Entry) => {
        if (!entry.fileName.endsWith('/')) entries.push(entry);
        zip.readEntry();
      });
      zip.readEntry();
    });
  });
}

function readEntry(zip: ZipFile, entry: Entry): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    if (entry.uncompressedSize > LARGEST_ENTRY)
      return reject(
        new Error(
          `${entry.fileName} claims ${entry.uncompressedSize} bytes, wanted at most ${LARGEST_ENTRY}`,
        ),
      );
    zip.openReadStream(entry, (error, stream) => (error ? reject(error) : resolve(buffer(stream))));
  });
}

/**
 * The files of a zip archive; hidden ones and those of macOS are left out.
 * @throws Error where the archive cannot be read or holds a name twice
 */
export async function openZip(path: string): Promise<FileTree> {
  const fail = (cause: unknown): never => {
    throw new Error(`${path}: the archive cannot be read (${(cause as Error).message}).`, { cause });
  };
  const { zip, entries: all } = await openArchive(path).catch(fail);
  const hidden = ({ fileName }: Entry): boolean => /(^|\/)\.|^__MACOSX\//.test(fileName);
  const entries = all.filter((entry) => !hidden(entry));
  const byName = new Map(entries.map((entry) => [entry.fileName, entry]));
  if (byName.size < entries.length) {
    zip.close();
    throw new Error(
      `${path}: the archive has ${entries.length - byName.size} names twice, wanted each once.`,
    );
  }
  return {
    path,
    files: [...byName.keys()].sort(),
    leftOut: countLeftOut(all.filter(hidden).map(({ fileName }) => [fileName, 'hidden'])),
    read: (file) => readEntry(zip, byName.get(file) as Entry).catch(fail),
    close: async () => zip.close(),
  };
}
