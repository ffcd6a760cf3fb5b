/** Child processes that end with this one. */
import type { ChildProcess } from 'node:child_process';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Ends `child` with SIGTERM when this process ends or is sent a signal that ends it; a signal without another handler then acts as usual. */
export function tieChild(child: ChildProcess): void {
  const end = (): void => void child.kill('SIGTERM');
  const hear = (name: NodeJS.Signals): void => {
    end();
    release();
    if (process.listenerCount(name) === 0) process.kill(process.pid, name);
  };
  const release = (): void => {
    for (const name of SIGNALS) process.off(name, hear);
    process.off('exit', end);
  };
  for (const name of SIGNALS) process.on(name, hear);
  process.on('exit', end);
  child.on('close', release).on('error', release);
}
