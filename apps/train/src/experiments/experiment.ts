/**
 * A whole experiment in one command; rerun to resume at the stage where it stopped.
 * extract features (or encode while training) -> train -> generate images -> evaluate them.
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { EvaluationCard } from '@ahpa/evaluation';
import { activeAlgebra, openFeatureNetwork } from '@ahpa/evaluation/node';
import type { Reporter } from '@ahpa/messages';
import type { TrainConfig } from '../config/types.ts';
import { evaluate, evaluationEngine } from '../evaluation/evaluate.ts';
import { isComplete, referencePath, runFolder } from '../records/folder.ts';
import { describeExtract, runExtract } from '../run/extract-images.ts';
import { EXTRACTING, GENERATING, type Interrupt, type InterruptWords } from '../run/interrupt.ts';
import { prepare } from '../run/prepare.ts';
import { train } from '../run/train.ts';
import { generate } from '../sampling/generate.ts';
import { networkChoice, trainingReference } from '../tasks/training-reference.ts';

/** Run, images and reference of an experiment. */
export interface ExperimentRequest {
  /** Folder of the run. */
  readonly root: string;
  /** Images to extract features from, where the configuration trains on a cache that is not there yet. */
  readonly images?: string;
  /** Side of the crop that is extracted. */
  readonly size: number;
  /** Reference; default the training images. */
  readonly ref?: string;
  readonly command: string;
}

/** Result of an experiment. */
export interface ExperimentResult {
  readonly run: string;
  readonly complete: boolean;
  readonly card?: EvaluationCard;
  readonly cardPath?: string;
}

/** Stages are announced, since they take hours. */
const STAGES = 4;

/** Runs the stages of an experiment that are not complete. */
export async function runExperiment(
  config: TrainConfig,
  request: ExperimentRequest,
  reporter: Reporter,
  listen: (words?: InterruptWords) => Interrupt,
): Promise<ExperimentResult> {
  const { root } = request;
  const folder = runFolder(root);
  const { steps } = config.train;
  const announce = (stage: number, what: string): void => reporter.say(`[${stage}/${STAGES}] ${what}`);
  if (!(await extractMissing(config, request, reporter, announce, listen)))
    return { run: root, complete: false };
  if (await isComplete(folder, steps)) announce(2, `trained: ${steps} steps are done`);
  else {
    announce(2, `training ${steps} steps into ${root}`);
    const { complete } = await train(config, folder, reporter, () => listen());
    if (!complete) return { run: root, complete };
  }
  const n = config.evaluate.finalImages;
  const out = join(root, 'generated', `step-${steps}-n-${n}.npz`);
  const cardPath = join(root, 'evaluation', `step-${steps}-n-${n}.card.json`);
  announce(3, `generating ${n} images into ${out}`);
  if (!(await generateInto(out, n, config, request, reporter, listen))) return { run: root, complete: false };
  const known = existsSync(cardPath)
    ? (JSON.parse(await readFile(cardPath, 'utf8')) as EvaluationCard)
    : undefined;
  announce(4, known ? 'evaluated already' : 'evaluating them');
  const card = known ?? (await evaluateFile(out, cardPath, config, request, reporter));
  return { run: root, complete: true, card, cardPath };
}

async function extractMissing(
  config: TrainConfig,
  { images, size }: ExperimentRequest,
  reporter: Reporter,
  announce: (stage: number, what: string) => void,
  listen: (words?: InterruptWords) => Interrupt,
): Promise<boolean> {
  if (config.data.kind !== 'cache' || images === undefined) {
    announce(
      1,
      config.data.kind === 'cache'
        ? 'features come from a cache'
        : 'features are encoded as training needs them',
    );
    return true;
  }
  announce(1, `extracting features of ${images} into ${config.data.path}`);
  const threads = availableParallelism();
  const request = { source: images, out: config.data.path, size, pixels: true, threads, trainsNext: true };
  const extracted = await runExtract(config, request, reporter, () => listen(EXTRACTING));
  if (extracted !== undefined) describeExtract(extracted).forEach(reporter.say);
  return extracted !== undefined;
}

async function generateInto(
  out: string,
  n: number,
  config: TrainConfig,
  { root }: ExperimentRequest,
  reporter: Reporter,
  listen: (words?: InterruptWords) => Interrupt,
): Promise<boolean> {
  await mkdir(join(root, 'generated'), { recursive: true });
  const interrupt = listen(GENERATING);
  const request = {
    model: root,
    runs: '.',
    n,
    labels: 'random',
    class: 'all',
    out: [out],
    batch: 32,
    seed: config.train.seed,
    shard: { part: 1, of: 1 },
  } as const;
  const { complete } = await generate(request, reporter, interrupt).finally(interrupt.release);
  return complete;
}

async function evaluateFile(
  samples: string,
  card: string,
  config: TrainConfig,
  { root, ref, command }: ExperimentRequest,
  reporter: Reporter,
): Promise<EvaluationCard> {
  await mkdir(join(root, 'evaluation'), { recursive: true });
  if (ref === undefined) await keepReference(config, root, reporter);
  const { backend, seed } = config.train;
  const request = { samples, ref: ref ?? referencePath({ root }), card, command, backend, seed, runs: '.' };
  return (await evaluate({ ...request, ...networkChoice(config) }, reporter)).card;
}

/** Makes the statistics of the training images, where training did not. */
async function keepReference(config: TrainConfig, root: string, reporter: Reporter): Promise<void> {
  if (existsSync(referencePath({ root }))) return;
  const engine = await evaluationEngine(config.train.backend);
  const network = await openFeatureNetwork(networkChoice(config), engine, reporter);
  const parts = await prepare(config, engine, reporter);
  try {
    const run = { folder: runFolder(root), ...parts, config, reporter };
    await trainingReference(run, network, await activeAlgebra());
  } finally {
    network.dispose();
    parts.dispose();
  }
}
