/** Files of later steps than the one that a run goes on from: they are moved aside, never deleted, and never taken for the new ones. */
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, rename } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type RunFolder, stepName } from './folder.ts';
import { statsRows } from './stats.ts';
import { snapshotFolder } from './stored-averages.ts';

/** The step in the name of a file: `0000004.png`, `loss-0000004.npy`, `step-4-n-100.npz`. */
const STEP = /^(?:loss-|step-)?(\d+)[.-]/;

/** What was moved: the folder that it lies in now, and the steps of the checkpoints among it. */
export interface SetAside {
  readonly folder: string;
  readonly checkpoints: readonly number[];
}

/**
 * Moves the files of a run that are of later steps than `step`, with copies of its record and configuration, into
 * `set-aside/after-NNNNNNN`; undefined where there are none.
 */
export async function setAside(run: RunFolder, step: number): Promise<SetAside | undefined> {
  const { root, checkpoints, samples, broken } = run;
  const folders = [
    checkpoints,
    samples,
    snapshotFolder(run),
    join(root, 'evaluation'),
    join(root, 'generated'),
  ];
  const later = (await Promise.all(folders.map((folder) => filesAfter(folder, step)))).flat();
  const files = [...later, ...(await filesAfter(broken, step - 1))];
  if (files.length === 0 && !(await reportsAfter(run, step))) return undefined;
  const folder = freeName(join(root, 'set-aside', `after-${stepName(step)}`));
  await mkdir(folder, { recursive: true });
  for (const path of [run.stats, run.config, run.changes])
    if (existsSync(path)) await copyFile(path, join(folder, basename(path)));
  for (const { path, inside } of files) {
    await mkdir(join(folder, inside), { recursive: true });
    await rename(path, join(folder, inside, basename(path)));
  }
  const steps = files.filter(({ inside }) => inside === basename(checkpoints)).map((file) => file.step);
  return { folder, checkpoints: [...new Set(steps)].sort((a, b) => a - b) };
}

/** Files of a folder whose name has a later step. */
async function filesAfter(
  folder: string,
  step: number,
): Promise<{ readonly path: string; readonly inside: string; readonly step: number }[]> {
  const names = existsSync(folder) ? await readdir(folder) : [];
  return names
    .map((name) => ({
      path: join(folder, name),
      inside: basename(folder),
      step: Number(STEP.exec(name)?.[1]),
    }))
    .filter((file) => file.step > step);
}

async function reportsAfter({ stats }: RunFolder, step: number): Promise<boolean> {
  for await (const row of statsRows(stats)) if (row.step > step) return true;
  return false;
}

function freeName(name: string): string {
  for (let number = 1; ; number++) {
    const path = number === 1 ? name : `${name}-${number}`;
    if (!existsSync(path)) return path;
  }
}
