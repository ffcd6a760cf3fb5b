/** Files that a signal or an error leaves whole: the old content, or the new. */
import { stat, writeFile } from 'node:fs/promises';
import { writeDurably } from '@ahpa/checkpoint';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** Writes a file under a temporary name and renames it; a pipe or device is written to. A signal meanwhile takes effect afterwards. */
export async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  const known = await stat(path).catch(() => undefined);
  if (known !== undefined && !known.isFile()) return writeFile(path, content);
  return holdingSignals(() => writeDurably(path, [Buffer.from(content)]));
}

/**
 * Does `work` before a signal ends the process, where no signal handler is installed yet; for work of well under a second, such as
 * the writing of a file.
 */
async function holdingSignals<T>(work: () => Promise<T>): Promise<T> {
  if (SIGNALS.some((name) => process.listenerCount(name) > 0)) return work();
  let held: NodeJS.Signals | undefined;
  const hold = (name: NodeJS.Signals): void => {
    held ??= name;
  };
  for (const name of SIGNALS) process.on(name, hold);
  try {
    return await work();
  } finally {
    for (const name of SIGNALS) process.off(name, hold);
    if (held !== undefined) process.kill(process.pid, held);
  }
}
