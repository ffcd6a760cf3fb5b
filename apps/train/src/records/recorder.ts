/** Recorder of a run: a progress bar, the rows of stats.jsonl (the source of truth), and the same rows for TensorBoard. */
import { createEventFile, type Value } from '@ahpa/event-files';
import type { Progress, Reporter } from '@ahpa/messages';
import type { Row } from '@ahpa/trainer';
import { imagesAt } from '../config/changes.ts';
import type { RunMeta } from './checkpoints.ts';
import type { RunFolder } from './folder.ts';
import { appendStats, rewindStats } from './stats.ts';
import { type Speed, statsRow } from './stats-row.ts';
import { type TrainingPayload, trainingFormat } from './training-line.ts';

/** Called after every step and every report. */
export interface Recorder {
  /** `step` steps are done. */
  tick(step: number): void;
  /** Appends the row of a report. */
  report(step: number, row: Row): Promise<void>;
  /** Shows pictures and distributions in TensorBoard. */
  show(step: number, values: readonly Value[]): Promise<void>;
  /** Ends the bar; the next tick starts another. */
  pause(): void;
}

/** A recorder resumed after `step` steps: later rows are dropped, and time continues from the last row. */
export async function createRecorder(
  { config, changes }: Pick<RunMeta, 'config' | 'changes'>,
  { stats, tensorboard }: RunFolder,
  step: number,
  speed: (steps: number, seconds: number) => Speed,
  reporter: Reporter,
): Promise<Recorder> {
  const last = await rewindStats(stats, step);
  const begin = performance.now() - (last?.seconds ?? 0) * 1000;
  const { batch, steps } = config.train;
  const events = await createEventFile(tensorboard, step);
  let seen = { step, seconds: last?.seconds ?? 0 };
  let bar: Progress<TrainingPayload> | undefined;
  let losses: Omit<TrainingPayload, 'images' | 'batch'> | undefined;
  const tick = (done: number): void => {
    if (!losses) return;
    bar ??= reporter.progress('training', steps, trainingFormat);
    bar.update(done, { images: imagesAt(done, batch, changes), batch, ...losses });
  };
  return {
    tick,
    async report(done, row) {
      const seconds = Number(((performance.now() - begin) / 1000).toFixed(3));
      const moment = {
        step: done,
        images: imagesAt(done, batch, changes),
        seconds,
        ...speed(done - seen.step, seconds - seen.seconds),
      };
      seen = { step: done, seconds };
      const entry = statsRow(moment, row, 'weight' in config.alignment);
      const { denoising, alignment } = entry;
      losses = alignment === undefined ? { denoising } : { denoising, alignment };
      tick(done);
      await appendStats(stats, entry);
      await events.write(done, scalars(entry));
    },
    show: events.write,
    pause() {
      bar?.stop();
      bar = undefined;
    },
  };
}

/** Every number of a row by its name. */
const scalars = (row: object): Value[] =>
  Object.entries(row).flatMap(([tag, scalar]) =>
    typeof scalar === 'number' && tag !== 'step' ? [{ tag: tag.replace('.', '/'), scalar }] : [],
  );
