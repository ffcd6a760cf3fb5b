/** Linear recoverability of VAE feature groups from a run's hidden tokens, by block and noise: RARE's map. */

import { applyDiT } from '@ahpa/dit-core';
import { type BackendName, createEngine } from '@ahpa/engine';
import { type Reporter, userError } from '@ahpa/messages';
import { philox } from '@ahpa/ops';
import { recoverability } from '@ahpa/recoverability';
import { type Extent, measureMoments } from '@ahpa/recoverability/measure';
import { type AlignmentConfig, alignmentKind } from '../config/alignment.ts';
import { loadConfig } from '../config/load.ts';
import { writeWhole } from '../files/write-whole.ts';
import { denoiserParams, type LoadOptions, loadModel } from '../models/load-model.ts';
import { rootOf } from '../models/trained-model.ts';
import { type Probe, probePath } from '../records/probe-file.ts';
import { prepare } from '../run/prepare.ts';

/** Run, images and bins of a probe. */
export interface ProbeRequest extends Extent, LoadOptions {
  readonly run: string;
  readonly backend?: BackendName;
}

/** Probes the chosen weights of a run, by default the first average of the newest checkpoint, and writes `probe.json` into its folder. */
export async function probeRun(request: ProbeRequest, reporter: Reporter): Promise<Probe> {
  const model = await loadModel(request.run, request, reporter);
  const { config, step, average: weights } = model;
  if (config === undefined || step === undefined) {
    throw userError(`${request.run} is a model without its run: the probe needs the run's data.`);
  }
  const train = { ...config.train, backend: request.backend ?? config.train.backend };
  const engine = await createEngine({ ...train, precision: 'float32' });
  const parts = await prepare(
    { ...config, train, alignment: probedAlignment(config.alignment) },
    engine,
    reporter,
  );
  const denoiser = engine.model(denoiserParams(model));
  const images = Math.min(request.images, parts.train.count);
  const bar = reporter.progress('probing', images);
  const { model: network } = parts;
  const encoderDepths = Array.from({ length: network.depth }, (_, block) => block + 1);
  const measurement = await measureMoments(
    {
      params: denoiser,
      apply: (params, xt, t, y) => applyDiT(params, xt, t, y, { ...network, encoderDepths }),
      depth: network.depth,
      patchSize: network.patchSize,
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
  const probe = { ...map, step, weights, images, bins, blocks: network.depth };
  await writeWhole(probePath(rootOf(model)), `${JSON.stringify(probe)}\n`);
  return probe;
}

/** The features that a run aligns with, or the groups of this VAE where it aligns with none. */
function probedAlignment(alignment: AlignmentConfig): AlignmentConfig {
  const { groups, file } = alignmentKind(alignment).targets(alignment as never);
  const isModule = typeof alignment['module'] === 'string'; // its loss is not needed, and it is a program
  const aligns = groups === 'default' || Object.keys(groups).length > 0 || file !== undefined;
  if (aligns && !isModule) return alignment;
  const own = aligns ? [`alignment.groups=${JSON.stringify(groups)}`] : [];
  return loadConfig({ names: [], set: ['alignment.kind=ahpa', ...own] }).alignment;
}
