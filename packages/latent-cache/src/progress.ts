/** The journal of a cache that is being written: one line for everything that is synced. */
import { existsSync } from 'node:fs';
import { readFile, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { DamagedCacheError } from './damaged-cache-error.ts';
import { FILES, type Progress, SCHEMAS } from './layout.ts';

/** Progress of a new cache. */
const START: Progress = { position: 0, records: 0, dropped: [], shards: [] };

/**
 * Sum of all lines; a truncated last line is removed.
 * @throws Error where another line is damaged
 */
export async function readProgress(folder: string): Promise<Progress> {
  const path = join(folder, FILES.progress);
  if (!existsSync(path)) return START;
  const text = await readFile(path, 'utf8');
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  if (whole.length < text.length) await truncate(path, Buffer.byteLength(whole));
  return whole
    .split('\n')
    .slice(0, -1)
    .map((line, i): Progress => {
      try {
        return SCHEMAS.progress.parse(JSON.parse(line));
      } catch (cause) {
        throw new DamagedCacheError(
          `${path}, line ${i + 1}, is damaged: remove the folder and make the cache again.`,
          {
            cause,
          },
        );
      }
    })
    .reduce(
      (all, line) => ({
        ...line,
        dropped: [...all.dropped, ...line.dropped],
        shards: [...all.shards, ...line.shards],
      }),
      START,
    );
}
