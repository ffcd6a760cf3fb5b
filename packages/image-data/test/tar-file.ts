/** Writes small tar archives. */
import { buffer } from 'node:stream/consumers';
import { pack } from 'tar-stream';

/** The bytes of an archive of files. */
export async function tarFile(files: readonly (readonly [string, Uint8Array])[]): Promise<Uint8Array> {
  const archive = pack();
  for (const [name, data] of files) archive.entry({ name }, Buffer.from(data));
  archive.finalize();
  return buffer(archive as unknown as AsyncIterable<Uint8Array>);
}
