/** One benchmark: this package's libraries beside PyTorch, or beside themselves without alignment, in turn. */
import { cpus } from 'node:os';
import { type Reporter, silent } from '@ahpa/messages';
import { type EncodeSpec, encodeFlops } from './encode-spec.ts';
import { type EvaluateSpec, featureFlops, neighbourFlops } from './evaluate-spec.ts';
import { type BenchResult, measure } from './measure.ts';
import { ownPeer, type Peer, type Spec, type TorchMode, torchPeer } from './peer.ts';
import { torchPython } from './python.ts';
import { inferFlops, type StepSpec, stepFlops, stepSpec } from './step-spec.ts';

/** Options of every benchmark. */
export interface CommonOptions {
  /** A Python that has PyTorch and diffusers; one is made in the cache folder where absent. */
  readonly python?: string;
  /** Modes of PyTorch; the fastest of several counts. */
  readonly mode: readonly TorchMode[];
  /** Counted repetitions a side. */
  readonly rounds: number;
}

/** Options of a training step or a network evaluation. */
export interface StepOptions
  extends CommonOptions,
    Pick<StepSpec, 'model' | 'batch' | 'align' | 'headHidden' | 'precision'> {
  /** PyTorch, or our own step without alignment. */
  readonly against: 'torch' | 'none';
}

/** Options of a VAE's encoder. */
export interface EncodeOptions
  extends CommonOptions,
    Pick<EncodeSpec, 'vae' | 'size' | 'batch' | 'precision'> {}

/** Options of an evaluation. */
export interface EvaluateOptions extends CommonOptions, Pick<EvaluateSpec, 'images' | 'rows' | 'width'> {}

/** Options of each kind: a training step, a guided network evaluation, a VAE's encoder, features and neighbours. */
export type BenchOptions = {
  readonly step: StepOptions;
  readonly sample: StepOptions;
  readonly encode: EncodeOptions;
  readonly evaluate: EvaluateOptions;
};

/** Names of the benchmarks. */
export type BenchKind = keyof BenchOptions;

/** Results of each kind. */
export type BenchResults = {
  readonly step: BenchResult;
  readonly sample: BenchResult;
  readonly encode: BenchResult;
  readonly evaluate: { readonly features: BenchResult; readonly neighbours: BenchResult };
};

/** Surroundings of a benchmark. */
export interface BenchContext {
  /** Folder for files that can be made again, such as a Python environment with PyTorch. */
  readonly cacheDir: string;
  readonly reporter?: Reporter;
}

/**
 * Measures one benchmark, a process for each side, and reports each side's line.
 * @throws an error the user can fix where a side's process ends early.
 */
export function runBench<K extends BenchKind>(
  kind: K,
  options: BenchOptions[K],
  { cacheDir, reporter = silent }: BenchContext,
): Promise<BenchResults[K]> {
  const run = BENCHES[kind] as (options: BenchOptions[K], context: Context) => Promise<BenchResults[K]>;
  return run(options, { cacheDir, reporter });
}

type Context = Required<BenchContext>;

const BENCHES: {
  readonly [K in BenchKind]: (options: BenchOptions[K], context: Context) => Promise<BenchResults[K]>;
} = {
  step: (options, context) => benchStep('step', options, context),
  sample: (options, context) => benchStep('infer', options, context),
  encode: benchEncode,
  evaluate: benchEvaluate,
};

function benchStep(work: 'step' | 'infer', options: StepOptions, context: Context): Promise<BenchResult> {
  const { reporter } = context;
  const spec = stepSpec({ ...options, threads: cpus().length });
  const flops = work === 'step' ? stepFlops : inferFlops;
  reporter.say(
    `${spec.model}, batch ${spec.batch}, ${spec.precision}, alignment ${spec.align}: ${giga(flops(spec))} GFLOP`,
  );
  const others = async (): Promise<Peer[]> =>
    options.against === 'none'
      ? [await ownPeer('ours, no alignment', { ...spec, align: 'none' })]
      : torchPeers(spec, options, context);
  const countFlops = (of: Spec): number => flops(of as StepSpec);
  return measure({ work, spec, others, countFlops, rounds: options.rounds }, reporter);
}

function benchEncode(options: EncodeOptions, context: Context): Promise<BenchResult> {
  const { vae, size, batch, precision, rounds } = options;
  const { reporter } = context;
  const spec: EncodeSpec = { work: 'encode', vae, size, batch, precision, threads: cpus().length };
  reporter.say(`${vae}, ${batch} images of ${size} px, ${precision}: ${giga(encodeFlops(spec))} GFLOP`);
  const others = (): Promise<Peer[]> => torchPeers(spec, options, context);
  const countFlops = (of: Spec): number => encodeFlops(of as EncodeSpec);
  return measure({ work: 'encode', spec, others, countFlops, rounds }, reporter);
}

async function benchEvaluate(options: EvaluateOptions, context: Context): Promise<BenchResults['evaluate']> {
  const { images, rows, width, rounds } = options;
  const { reporter } = context;
  const spec: EvaluateSpec = {
    work: 'evaluate',
    images,
    batch: Math.min(50, images),
    rows,
    width,
    precision: 'f32',
    threads: cpus().length,
  };
  const others = (): Promise<Peer[]> => torchPeers(spec, options, context);
  const job = (work: 'features' | 'neighbours', flops: (spec: EvaluateSpec) => number) =>
    ({ work, spec, others, countFlops: (of: Spec) => flops(of as EvaluateSpec), rounds }) as const;
  reporter.say(`SqueezeNet and statistics, ${images} images of 64 px: ${giga(featureFlops(spec))} GFLOP`);
  const features = await measure(job('features', featureFlops), reporter);
  reporter.say(`third neighbours, ${rows} x ${rows} x ${width}: ${giga(neighbourFlops(spec))} GFLOP (NumPy)`);
  return { features, neighbours: await measure(job('neighbours', neighbourFlops), reporter) };
}

const giga = (flops: number): string => (flops / 1e9).toFixed(0);

async function torchPeers(
  spec: Spec,
  { python, mode }: CommonOptions,
  { cacheDir, reporter }: Context,
): Promise<Peer[]> {
  const found = python || (await torchPython(cacheDir, reporter));
  const peers: Peer[] = [];
  for (const each of mode) peers.push(await torchPeer(found, spec, each));
  return peers;
}
