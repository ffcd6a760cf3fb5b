/** A short trial of a configuration, in a process of its own. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { tieChild, userError } from '@ahpa/messages';
import type { Trial, TrialSpec } from './trial-worker.ts';

/** Starts this program again for the trial. Throws where it ends without a result, as it does when memory runs out. */
export async function tryOut(spec: TrialSpec): Promise<Trial> {
  const args = [...process.execArgv, process.argv[1] as string, 'plan', 'trial'];
  const child = promisify(execFile)(process.execPath, args, { maxBuffer: 1 << 26 });
  tieChild(child.child);
  child.child.stdin?.end(JSON.stringify(spec));
  try {
    return JSON.parse((await child).stdout) as Trial;
  } catch (cause) {
    const { signal, stderr = '' } = cause as { signal?: string; stderr?: string };
    const reason = signal ? `it was ended by ${signal}` : (stderr.trim().split('\n').at(-1) ?? 'no message');
    throw userError(`The trial of ${spec.batch} images a step failed: ${reason}.`, { cause });
  }
}
