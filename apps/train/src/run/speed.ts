/** Speed of a run, and its share of the machine's peak arithmetic. */
import { type DiTConfig, forwardFlops } from '@ahpa/dit-core';
import { LANES } from '@ahpa/ops';
import type { RunConfig } from '../config/types.ts';
import type { Speed } from '../records/stats-row.ts';

/** Sizes of the matrix products that measure the peak: a fraction of a second on a few cores. */
const PEAK = { size: 512, products: 16, calls: 3, chains: LANES };

/** Measures the peak once, and returns what makes a speed of steps and seconds. */
export async function speedometer(
  { batch, precision, backend, eager, checkpointBlocks }: RunConfig,
  model: DiTConfig,
): Promise<(steps: number, seconds: number) => Speed> {
  const isCompiled = backend === 'tensorflow' && !eager;
  const peak = isCompiled ? (await import('@ahpa/libtensorflow')).matmulGflops(precision, PEAK) : undefined;
  const gflop = ((checkpointBlocks ? 4 : 3) * forwardFlops(model).flops) / 1e9;
  return (steps, seconds) => {
    const images = (steps * batch) / seconds;
    return {
      stepsPerSecond: short(steps / seconds),
      imagesPerSecond: short(images),
      ...(peak === undefined ? {} : { matmulShare: short((images * gflop) / peak) }),
      memory: Math.round(process.memoryUsage.rss() / 1e6),
    };
  };
}

const short = (value: number): number => Number(value.toPrecision(4));
