/** One benchmark: this program beside PyTorch, or beside itself without alignment, in turn. */
import { cpus } from 'node:os';
import { matmulGflops, useTensorFlow } from '@ahpa/libtensorflow';
import type { Reporter } from '../report.ts';
import { interleave, median, type SideReport, sideReport } from './compare.ts';
import { ownPeer, type Peer, torchPeer, torchPython } from './peer.ts';
import { inferFlops, type StepSpec, stepFlops, stepSpec } from './spec.ts';

/** What the command line says. */
export interface BenchOptions
  extends Pick<StepSpec, 'model' | 'batch' | 'align' | 'headHidden' | 'precision'> {
  readonly against: 'torch' | 'none';
  readonly python?: string;
  readonly mode: 'eager' | 'compile' | 'both';
  readonly rounds: number;
}

/** What is measured: a training step, or a guided network evaluation. */
export type Work = 'step' | 'infer';

const MATMUL = { size: 2048, products: 6, calls: 5 } as const;
const WARMUP = 3;

/** The peers that `ours` is held against. */
async function opponents(spec: StepSpec, options: BenchOptions, reporter: Reporter): Promise<Peer[]> {
  if (options.against === 'none') return [await ownPeer('ours, no alignment', { ...spec, align: 'none' })];
  const python = await torchPython(options.python, reporter);
  const modes = options.mode === 'both' ? (['eager', 'compile'] as const) : ([options.mode] as const);
  const peers: Peer[] = [];
  for (const mode of modes) peers.push(await torchPeer(python, spec, mode));
  return peers;
}

/** Speed of matrix products now, in the precision of the work. */
function peakGflops({ precision }: StepSpec): number {
  return matmulGflops(precision === 'f32' ? 'float32' : 'bfloat16', MATMUL);
}

/** Measures, says each side's figures, and resolves to all of them. */
export async function bench(work: Work, options: BenchOptions, reporter: Reporter): Promise<unknown> {
  const spec = stepSpec({ ...options, threads: cpus().length });
  const flopsOf = work === 'step' ? stepFlops : inferFlops;
  await useTensorFlow();
  reporter.say(
    `${spec.model}, batch ${spec.batch}, ${spec.precision}, alignment ${spec.align}: ${(flopsOf(spec) / 1e9).toFixed(0)} GFLOP`,
  );
  const ours = await ownPeer('ours', spec);
  const others = await opponents(spec, options, reporter);
  const before = peakGflops(spec);
  const bar = reporter.progress('rounds', options.rounds);
  const timings = await interleave([ours, ...others], work, options.rounds, WARMUP, (done) =>
    bar.update(done, undefined),
  );
  bar.stop();
  const peak = Math.max(before, peakGflops(spec));
  for (const peer of timings.keys()) peer.quit();
  const sides = [...timings].map(([peer, turns]) => sideReport(peer, turns, flopsOf(peer.spec)));
  const [own, ...rest] = sides as [SideReport, ...SideReport[]];
  const best = rest.reduce((a, b) => (a.medianSeconds <= b.medianSeconds ? a : b));
  const bestTurns = [...timings].find(([peer]) => peer.name === best.name)?.[1] ?? [];
  const ownTurns = timings.get(ours) ?? [];
  const ratios = ownTurns.map(
    (turn, i) => (turn.seconds[0] as number) / (bestTurns[i]?.seconds[0] as number),
  );
  for (const side of sides) reporter.say(line(side, peak));
  reporter.say(
    `time, ours / ${best.name}: ${median(ratios).toFixed(3)} (median of ${ratios.length} pairs); peak memory ratio ${(own.peakRssBytes / best.peakRssBytes).toFixed(2)}`,
  );
  return {
    work,
    spec,
    flops: flopsOf(spec),
    matmulGflops: peak,
    sides,
    best: best.name,
    timeRatio: median(ratios),
    memoryRatio: own.peakRssBytes / best.peakRssBytes,
  };
}

function line(
  { name, medianSeconds, minSeconds, gflops, peakRssBytes, hostSeconds }: SideReport,
  peak: number,
): string {
  const host = hostSeconds === undefined ? '' : `, host ${(hostSeconds * 1000).toFixed(1)} ms`;
  return `${name.padEnd(18)} ${medianSeconds.toFixed(3)} s (min ${minSeconds.toFixed(3)}), ${gflops.toFixed(0)} GFLOP/s = ${((100 * gflops) / peak).toFixed(0)} % of matmul, ${(peakRssBytes / 1e9).toFixed(2)} GB${host}`;
}
