/** Event files: one per session of a run, appended to step by step. */
import { appendFile, mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { startEvent, summaryEvent, type Value, versionEvent } from './event.ts';
import { encodeRecord } from './record.ts';

/** Writes the events of one session. */
export interface EventWriter {
  readonly path: string;
  /** Appends the values of a step; resolves when the file has them. */
  write(step: number, values: readonly Value[]): Promise<void>;
}

/**
 * A new event file in `folder` (made if missing) for a session that resumes after `step` steps. A record cut off by a kill ends
 * its file for a reader; each session has its own file.
 */
export async function createEventFile(folder: string, step: number): Promise<EventWriter> {
  await mkdir(folder, { recursive: true });
  const name = `events.out.tfevents.${Math.floor(Date.now() / 1000)}.${hostname()}.${process.pid}`;
  const path = join(folder, name);
  let tail = appendFile(path, Buffer.concat([versionEvent(), startEvent(step)].map(encodeRecord)));
  await tail;
  return {
    path,
    write: (at, values) => {
      tail = tail.then(() => appendFile(path, encodeRecord(summaryEvent(at, values))));
      return tail;
    },
  };
}
