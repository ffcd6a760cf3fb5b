/** One measurement: this package's worker and its opponents in turn, between two measurements of the matmul peak. */
import { matmulGflops, useTensorFlow } from '@ahpa/libtensorflow';
import type { Reporter } from '@ahpa/messages';
import { interleave, median, type Side, type SideReport, sideReport } from './compare.ts';
import { ownPeer, type Peer, type Spec, type WorkKind } from './peer.ts';

/** A measurement of every side; `ratio`s are of ours to the fastest other side. */
export interface BenchResult {
  readonly work: WorkKind;
  readonly spec: Spec;
  /** Floating-point operations of one repetition. */
  readonly flops: number;
  /** Peak of matrix products in the precision of the work, before or after it. */
  readonly matmulGflops: number;
  readonly sides: readonly SideReport[];
  /** Name of the fastest other side. */
  readonly best: string;
  readonly timeRatio: number;
  readonly memoryRatio: number;
  readonly flopsRatio: number;
}

/** A measurement to be made. */
export interface Job {
  readonly work: WorkKind;
  readonly spec: Spec;
  /** Starts the other sides. */
  readonly others: () => Promise<readonly Peer[]>;
  readonly countFlops: (spec: Spec) => number;
  /** Counted repetitions a side. */
  readonly rounds: number;
}

/** Long enough that the casts before the products and the sum after them do not count. */
const MATMUL = { size: 2048, products: 24, calls: 3 } as const;
const WARMUP = 3;

/** Measures a job and reports a line for each side. */
export async function measure(job: Job, reporter: Reporter): Promise<BenchResult> {
  const { work, spec, others, rounds } = job;
  await useTensorFlow();
  const ours = await ownPeer('ours', spec);
  const opponents = await others();
  const before = peakGflops(spec);
  const bar = reporter.progress('rounds', rounds);
  const sides = await interleave([ours, ...opponents], work, rounds, WARMUP, (done) =>
    bar.update(done, undefined),
  );
  bar.stop();
  const peak = Math.max(before, peakGflops(spec));
  for (const { peer } of sides) peer.quit();
  const { ratios, ...result } = compare(job, sides, peak);
  for (const side of result.sides) reporter.say(line(side, peak));
  reporter.say(
    `time, ours / ${result.best}: ${result.timeRatio.toFixed(3)} (median of ${ratios.length} pairs) for ${result.flopsRatio.toFixed(2)} times the arithmetic; peak memory ratio ${result.memoryRatio.toFixed(2)}`,
  );
  return result;
}

/** The first side against the fastest of the others, with the ratio of each pair of turns. */
function compare(
  { work, spec, countFlops }: Job,
  sides: readonly Side[],
  peak: number,
): BenchResult & { readonly ratios: readonly number[] } {
  const reports = sides.map((side) => sideReport(side, countFlops(side.peer.spec)));
  const [own, ...rest] = reports as [SideReport, ...SideReport[]];
  const best = rest.reduce((a, b) => (a.medianSeconds <= b.medianSeconds ? a : b));
  const [ownSide, bestSide] = [sides[0], sides[reports.indexOf(best)]] as [Side, Side];
  const ratios = ownSide.turns.map(
    (turn, i) => (turn.seconds[0] as number) / (bestSide.turns[i]?.seconds[0] as number),
  );
  return {
    work,
    spec,
    flops: countFlops(spec),
    matmulGflops: peak,
    sides: reports,
    best: best.name,
    timeRatio: median(ratios),
    memoryRatio: own.peakRssBytes / best.peakRssBytes,
    flopsRatio: countFlops(spec) / countFlops(bestSide.peer.spec),
    ratios,
  };
}

/** Speed of matrix products now, in the precision of the work. */
function peakGflops({ precision }: Spec): number {
  return matmulGflops(precision === 'f32' ? 'float32' : 'bfloat16', MATMUL);
}

function line(
  { name, firstSeconds, medianSeconds, minSeconds, gflops, peakRssBytes, hostSeconds }: SideReport,
  peak: number,
): string {
  const host = hostSeconds === undefined ? '' : `, host ${(hostSeconds * 1000).toFixed(1)} ms`;
  return `${name.padEnd(18)} ${medianSeconds.toFixed(3)} s (min ${minSeconds.toFixed(3)}, first ${firstSeconds.toFixed(1)}), ${gflops.toFixed(0)} GFLOP/s = ${((100 * gflops) / peak).toFixed(0)} % of matmul, ${(peakRssBytes / 1e9).toFixed(2)} GB${host}`;
}
