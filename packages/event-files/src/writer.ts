/** Event files: one for each session of a run, appended to as it goes. */
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
 * A new event file in `folder` (made if missing) for a session that goes on after `step` steps. A record that a kill cuts off ends its
 * file for a reader; the next session has a file of its own.
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
