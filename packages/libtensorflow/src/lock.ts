/** A lock between processes, released when its holder dies. */
import { setTimeout as sleep } from 'node:timers/promises';
import { lock } from 'proper-lockfile';

const STALE_MS = 20_000;
const RETRY_MS = 500;

/**
 * Runs `fn` while `<path>.lock` is held. Waits while another process holds it, after calling `onWait` once; a lock whose
 * holder died is taken over. `fn` must be harmless to run twice, as after a suspend the lock may be lost.
 * @throws the error of `fn`, or of the file system
 */
export async function withLock<T>(path: string, onWait: () => void, fn: () => Promise<T>): Promise<T> {
  const options = { realpath: false, stale: STALE_MS, onCompromised: () => {} };
  let waiting = false;
  for (;;) {
    const release = await lock(path, options).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ELOCKED') throw error;
      return undefined;
    });
    if (release) return fn().finally(() => release().catch(() => {}));
    if (!waiting) onWait();
    waiting = true;
    await sleep(RETRY_MS);
  }
}
