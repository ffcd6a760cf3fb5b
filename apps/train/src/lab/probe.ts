/** Which groups of VAE features a run's denoiser already holds linearly, in which block and at which noise: RARE's map. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DiTParams } from '@ahpa/dit-core';
import { type RecoverabilityMap, recoverability } from '@ahpa/recoverability';
import { philox, type Tree } from '@ahpa/trainer';
import type { BackendName } from '../backend.ts';
import { denoiserPrefix } from '../config/averages.ts';
import { loadConfig } from '../config/load.ts';
import type { AlignmentConfig } from '../config/types.ts';
import { userError } from '../errors.ts';
import type { Reporter } from '../report.ts';
import { newestCheckpoint, runMeta } from '../run/checkpoints.ts';
import { createEngine } from '../run/create-engine.ts';
import { runFolder } from '../run/folder.ts';
import { prepare } from '../run/prepare.ts';
import { treeOf } from '../run/tree-file.ts';
import { type Extent, measure } from './measure.ts';

/** What to probe, and how thoroughly. */
export interface ProbeRequest extends Extent {
  readonly run: string;
  readonly backend?: BackendName;
}

/** A map, and what it was measured on. */
export interface Probe extends RecoverabilityMap {
  readonly step: number;
  readonly images: number;
  readonly bins: number;
  readonly blocks: number;
}

/** File of a run's newest probe. */
export const probePath = (root: string): string => join(root, 'probe.json');

/** Probes the averaged weights of a run's newest checkpoint and writes `probe.json` into its folder. */
export async function probeRun(request: ProbeRequest, reporter: Reporter): Promise<Probe> {
  const checkpoint = await newestCheckpoint(runFolder(request.run).checkpoints, reporter);
  if (checkpoint === undefined) throw userError(`${request.run} has no checkpoint: train the run first.`);
  const { config } = runMeta(checkpoint);
  const train = { ...config.train, backend: request.backend ?? config.train.backend };
  const engine = await createEngine({ ...train, precision: 'float32' });
  const parts = await prepare(
    { ...config, train, alignment: hierarchyOf(config.alignment) },
    engine,
    reporter,
  );
  const like = parts.deps.denoiser.init(philox(0)) as DiTParams & Tree;
  const denoiser = engine.model(treeOf(like, checkpoint.tensors, checkpoint.path, denoiserPrefix()));
  const images = Math.min(request.images, parts.train.count);
  const bar = reporter.progress('probing', images);
  const measurement = await measure(
    {
      denoiser,
      network: parts.model,
      interpolant: parts.deps.interpolant,
      examples: parts.train,
      levels: parts.groups,
      rng: philox(request.seed),
    },
    request,
    (done) => bar.update(done, undefined),
  );
  bar.stop();
  for (const part of [denoiser, parts]) part.dispose();
  const map = recoverability(measurement);
  const { bins } = request;
  const probe = { ...map, step: checkpoint.step, images, bins, blocks: parts.model.depth };
  await writeFile(probePath(request.run), `${JSON.stringify(probe)}\n`);
  return probe;
}

/** The groups that a run aligns with, or those of this VAE where it aligns with none. */
function hierarchyOf(alignment: AlignmentConfig): AlignmentConfig {
  return alignment.kind === 'ahpa'
    ? alignment
    : loadConfig({ names: [], set: ['alignment.kind=ahpa'] }).alignment;
}
