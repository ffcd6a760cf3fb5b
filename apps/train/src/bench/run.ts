/** One benchmark: this program beside PyTorch, or beside itself without alignment, in turn. */
import { cpus } from 'node:os';
import { matmulGflops, useTensorFlow } from '@ahpa/libtensorflow';
import type { Reporter } from '@ahpa/messages';
import { interleave, median, type Side, type SideReport, sideReport } from './compare.ts';
import { type EncodeSpec, encodeFlops } from './encode-spec.ts';
import { type EvaluateSpec, featureFlops, neighbourFlops } from './evaluate-spec.ts';
import { type Kind, ownPeer, type Peer, type Spec, type TorchMode, torchPeer, torchPython } from './peer.ts';
import { inferFlops, type StepSpec, stepFlops, stepSpec } from './spec.ts';

/** What the command line says of every benchmark. */
export interface BenchOptions {
  readonly python?: string;
  /** How PyTorch runs; the fastest of several counts. */
  readonly mode: readonly TorchMode[];
  readonly rounds: number;
}

/** What it says of a step or a network evaluation. */
export interface StepOptions
  extends BenchOptions,
    Pick<StepSpec, 'model' | 'batch' | 'align' | 'headHidden' | 'precision'> {
  readonly against: 'torch' | 'none';
}

/** What it says of an encoder. */
export interface EncodeOptions
  extends BenchOptions,
    Pick<EncodeSpec, 'vae' | 'size' | 'batch' | 'precision'> {}

/** Long enough that the casts before the products and the sum after them do not count. */
const MATMUL = { size: 2048, products: 24, calls: 3 } as const;
const WARMUP = 3;

/** Measures a training step or a guided network evaluation, says each side's figures, and resolves to all of them. */
export async function benchStep(
  kind: 'step' | 'infer',
  options: StepOptions,
  reporter: Reporter,
): Promise<unknown> {
  const spec = stepSpec({ ...options, threads: cpus().length });
  const flops = kind === 'step' ? stepFlops : inferFlops;
  reporter.say(
    `${spec.model}, batch ${spec.batch}, ${spec.precision}, alignment ${spec.align}: ${giga(flops(spec))} GFLOP`,
  );
  const others = async (): Promise<Peer[]> =>
    options.against === 'none'
      ? [await ownPeer('ours, no alignment', { ...spec, align: 'none' })]
      : torchPeers(spec, options, reporter);
  return measure(kind, spec, others, (of) => flops(of as StepSpec), options.rounds, reporter);
}

/** Measures encoding a batch of images, says each side's figures, and resolves to all of them. */
export async function benchEncode(options: EncodeOptions, reporter: Reporter): Promise<unknown> {
  const { vae, size, batch, precision } = options;
  const spec: EncodeSpec = { work: 'encode', vae, size, batch, precision, threads: cpus().length };
  reporter.say(`${vae}, ${batch} images of ${size} px, ${precision}: ${giga(encodeFlops(spec))} GFLOP`);
  const others = (): Promise<Peer[]> => torchPeers(spec, options, reporter);
  return measure('encode', spec, others, (of) => encodeFlops(of as EncodeSpec), options.rounds, reporter);
}

/** What it says of an evaluation. */
export interface EvaluateOptions extends BenchOptions, Pick<EvaluateSpec, 'images' | 'rows' | 'width'> {}

/** Measures SqueezeNet with statistics beside PyTorch, and neighbours beside NumPy. */
export async function benchEvaluate(options: EvaluateOptions, reporter: Reporter): Promise<unknown> {
  const { images, rows, width, rounds } = options;
  const spec: EvaluateSpec = {
    work: 'evaluate',
    images,
    batch: Math.min(50, images),
    rows,
    width,
    precision: 'f32',
    threads: cpus().length,
  };
  const others = (): Promise<Peer[]> => torchPeers(spec, options, reporter);
  reporter.say(`SqueezeNet and statistics, ${images} images of 64 px: ${giga(featureFlops(spec))} GFLOP`);
  const flops = (of: (spec: EvaluateSpec) => number) => (other: Spec) => of(other as EvaluateSpec);
  const features = await measure('features', spec, others, flops(featureFlops), rounds, reporter);
  reporter.say(`third neighbours, ${rows} x ${rows} x ${width}: ${giga(neighbourFlops(spec))} GFLOP (NumPy)`);
  return {
    features,
    neighbours: await measure('neighbours', spec, others, flops(neighbourFlops), rounds, reporter),
  };
}

const giga = (flops: number): string => (flops / 1e9).toFixed(0);

async function torchPeers(spec: Spec, { python, mode }: BenchOptions, reporter: Reporter): Promise<Peer[]> {
  const found = await torchPython(python, reporter);
  const peers: Peer[] = [];
  for (const each of mode) peers.push(await torchPeer(found, spec, each));
  return peers;
}

/** Speed of matrix products now, in the precision of the work. */
function peakGflops({ precision }: Spec): number {
  return matmulGflops(precision === 'f32' ? 'float32' : 'bfloat16', MATMUL);
}

async function measure(
  kind: Kind,
  spec: Spec,
  opponents: () => Promise<Peer[]>,
  flopsOf: (spec: Spec) => number,
  rounds: number,
  reporter: Reporter,
): Promise<unknown> {
  await useTensorFlow();
  const ours = await ownPeer('ours', spec);
  const others = await opponents();
  const before = peakGflops(spec);
  const bar = reporter.progress('rounds', rounds);
  const sides = await interleave([ours, ...others], kind, rounds, WARMUP, (done) =>
    bar.update(done, undefined),
  );
  bar.stop();
  const peak = Math.max(before, peakGflops(spec));
  for (const { peer } of sides) peer.quit();
  const reports = sides.map((side) => sideReport(side, flopsOf(side.peer.spec)));
  const [own, ...rest] = reports as [SideReport, ...SideReport[]];
  const best = rest.reduce((a, b) => (a.medianSeconds <= b.medianSeconds ? a : b));
  const [ownSide, bestSide] = [sides[0], sides[reports.indexOf(best)]] as [Side, Side];
  const ratios = ownSide.turns.map(
    (turn, i) => (turn.seconds[0] as number) / (bestSide.turns[i]?.seconds[0] as number),
  );
  const result = {
    work: kind,
    spec,
    flops: flopsOf(spec),
    matmulGflops: peak,
    sides: reports,
    best: best.name,
    timeRatio: median(ratios),
    memoryRatio: own.peakRssBytes / best.peakRssBytes,
    flopsRatio: flopsOf(spec) / flopsOf(bestSide.peer.spec),
  };
  for (const side of reports) reporter.say(line(side, peak));
  reporter.say(
    `time, ours / ${best.name}: ${result.timeRatio.toFixed(3)} (median of ${ratios.length} pairs) for ${result.flopsRatio.toFixed(2)} times the arithmetic; peak memory ratio ${result.memoryRatio.toFixed(2)}`,
  );
  return result;
}

function line(
  { name, firstSeconds, medianSeconds, minSeconds, gflops, peakRssBytes, hostSeconds }: SideReport,
  peak: number,
): string {
  const host = hostSeconds === undefined ? '' : `, host ${(hostSeconds * 1000).toFixed(1)} ms`;
  return `${name.padEnd(18)} ${medianSeconds.toFixed(3)} s (min ${minSeconds.toFixed(3)}, first ${firstSeconds.toFixed(1)}), ${gflops.toFixed(0)} GFLOP/s = ${((100 * gflops) / peak).toFixed(0)} % of matmul, ${(peakRssBytes / 1e9).toFixed(2)} GB${host}`;
}
