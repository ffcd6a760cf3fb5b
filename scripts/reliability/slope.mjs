/**
 * The memory of the whole trainer over many tiny steps, saves included: the slope of a line through the resident memory of the rows.
 * Usage, after a build: node scripts/reliability/slope.mjs [steps] [warmUp]   (default 120000 20000)
 * Fails at 1 MB per 10,000 steps after the warm-up, before which the allocators still fill their pools.
 */
import { ahpa, conclude, rows, say, tinyRun, workFolder } from './harness.mjs';

const [steps, warmUp] = [120_000, 20_000].map((value, i) => Number(process.argv[2 + i] ?? value));
const runs = workFolder();
const set = {
  'train.backend': 'tensorflow',
  'train.steps': steps,
  'train.reportEvery': 50,
  'train.checkpointEvery': 1000,
  'train.sampleEvery': 10 * steps,
};

/** MB per 10,000 steps: least squares over the rows after `from`. */
function slope(all, from) {
  const late = all.filter(({ step }) => step > from);
  const mean = (of) => late.reduce((sum, row) => sum + of(row), 0) / late.length;
  const [step, memory] = [mean((row) => row.step), mean((row) => row.memory)];
  const covariance = mean((row) => (row.step - step) * (row.memory - memory));
  return Number(((10_000 * covariance) / mean((row) => (row.step - step) ** 2)).toFixed(3));
}

say(`${steps} steps in ${runs}`);
const { code, output } = await ahpa(tinyRun(runs, 'run', set));
const all = rows(runs, 'run');
const late = all.flatMap(({ step, memory }) => (step > warmUp ? [memory] : []));
const perTenThousand = slope(all, warmUp);
const failures = code === 0 ? [] : [output];
if (!(perTenThousand < 1)) failures.push(`${perTenThousand} MB per 10,000 steps`);
conclude(failures, {
  steps,
  warmUp,
  perTenThousandMB: { all: perTenThousand, secondHalf: slope(all, (steps + warmUp) / 2) },
  memoryMB: { first: late[0], last: late.at(-1), least: Math.min(...late), most: Math.max(...late) },
});
