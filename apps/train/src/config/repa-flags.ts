/** Options of REPA's train.py (github.com/sihyun-yu/REPA) as keys of the configuration: its command lines work here. */
import { userError } from '@ahpa/messages';

/** Values of options by name. */
type Values = Readonly<Record<string, string>>;

/** An option of REPA's. */
export interface RepaFlag {
  readonly name: string;
  /** A switch has no value, and a `no-` form. */
  readonly isSwitch?: boolean;
  /** The key that it sets, or the reason that it is refused. */
  readonly description: string;
  /**
   * Assignments `a.b=value` that it stands for beside the other options given.
   * @throws where the value has no counterpart.
   */
  readonly assignments: (value: string, given: Values) => string[];
}

const sets = (name: string, key: string): RepaFlag => ({
  name,
  description: key,
  assignments: (value) => [`${key}=${value}`],
});

const choice = (name: string, key: string, values: Values): RepaFlag => ({
  name,
  description: `${key}: ${Object.keys(values).join(', ')}`,
  assignments: (value) => {
    const known = values[value];
    if (known !== undefined) return [`${key}=${known}`];
    throw userError(`--${name} is "${value}", wanted ${Object.keys(values).join(' or ')}.`);
  },
});

const refused = (name: string, why: string, isSwitch = false): RepaFlag => ({
  name,
  isSwitch,
  description: `refused: ${why}`,
  assignments: () => {
    throw userError(`--${name} has no meaning here: ${why}.`);
  },
});

/** Every option of REPA's but `--output-dir` and `--exp-name`, which are `--runs` and `--name`. */
export const REPA_FLAGS: readonly RepaFlag[] = [
  sets('model', 'model.size'),
  sets('encoder-depth', 'model.encoderDepth'),
  sets('cfg-prob', 'model.labelDropout'),
  {
    name: 'data-dir',
    description: "data.kind repa and data.path: REPA's preprocessed folder",
    assignments: (value) => ['data.kind=repa', `data.path=${JSON.stringify(value)}`],
  },
  {
    name: 'resolution',
    description: "data.size; with --data-dir it is the folder's own",
    assignments: (value, { 'data-dir': folder }) => (folder === undefined ? [`data.size=${value}`] : []),
  },
  sets('path-type', 'interpolant.path'),
  sets('proj-coeff', 'alignment.weight'),
  sets('batch-size', 'train.batch'),
  sets('max-train-steps', 'train.steps'),
  sets('checkpointing-steps', 'train.checkpointEvery'),
  sets('sampling-steps', 'train.sampleEvery'),
  sets('seed', 'train.seed'),
  sets('learning-rate', 'optim.learningRate'),
  sets('adam-weight-decay', 'optim.weightDecay'),
  sets('adam-epsilon', 'optim.epsilon'),
  sets('max-grad-norm', 'optim.maxGradNorm'),
  choice('mixed-precision', 'train.precision', { no: 'float32', bf16: 'bfloat16' }),
  choice('weighting', 'time.sampling', { uniform: 'uniform', lognormal: 'lognormal' }),
  {
    name: 'adam-beta1',
    description: 'first of optim.betas',
    assignments: (value, { 'adam-beta2': other = '0.999' }) => [`optim.betas=[${value},${other}]`],
  },
  {
    name: 'adam-beta2',
    description: 'second of optim.betas',
    assignments: (value, { 'adam-beta1': other = '0.9' }) => [`optim.betas=[${other},${value}]`],
  },
  {
    name: 'gradient-accumulation-steps',
    description: 'train.accumulate, and --batch-size times as many images a step',
    assignments: (value, { 'batch-size': batch }) => {
      if (batch !== undefined)
        return [`train.batch=${Number(batch) * Number(value)}`, `train.accumulate=${value}`];
      throw userError('--gradient-accumulation-steps needs --batch-size, the images of one part.');
    },
  },
  {
    name: 'prediction',
    description: 'v, the velocity',
    assignments: (value) => {
      if (value === 'v') return [];
      throw userError(`--prediction is "${value}", wanted v: the transformer predicts the velocity.`);
    },
  },
  refused('epochs', 'the length of a run is a number of steps, --max-train-steps'),
  refused('resume-step', 'the same command continues from the newest valid checkpoint'),
  refused('enc-type', 'hidden tokens are aligned with the VAE encoder, see alignment.kind'),
  refused('num-classes', 'the number of classes is that of the data'),
  refused('num-workers', 'batches are read by the training process'),
  refused('logging-dir', "the record lies in the run's own folder"),
  refused('report-to', "the record lies in the run's own folder"),
  refused('fused-attn', 'the backend chooses how attention is computed', true),
  refused('allow-tf32', 'train.precision sets the precision of matrix products', true),
];

/**
 * The assignments that options of REPA's stand for, in the order of the table.
 * @throws where an option is refused or its value has no counterpart.
 */
export function repaAssignments(given: Values): string[] {
  return REPA_FLAGS.flatMap(({ name, assignments }) => {
    const value = given[name];
    return value === undefined ? [] : assignments(value, given);
  });
}
