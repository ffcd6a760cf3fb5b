/**
 * Training time lost to saving: a state of 51 million parameters, their moments and average (0.8 GB) once a minute.
 * Usage, after a build, on an idle machine: node scripts/reliability/stall.mjs [minutes]   (default 4)
 * Compares the time of all steps with that of as many median ones. Fails above 5 %.
 */
import { ahpa, conclude, rows, say, tinyRun, workFolder } from './harness.mjs';

const minutes = Number(process.argv[2] ?? 4);
const runs = workFolder();
const run = async (name, steps, checkpointEvery) => {
  const set = {
    'train.backend': 'tensorflow',
    'train.precision': 'bfloat16',
    'data.perClass': 48,
    'model.size.hiddenSize': undefined,
    'model.size.heads': undefined,
    'model.size.depth': undefined,
    'model.size': 'SiT-S/2',
    'alignment.head.hidden': 2048,
    'train.batch': 32,
    'train.steps': steps,
    'train.reportEvery': 5,
    'train.checkpointEvery': checkpointEvery,
  };
  const { code, output } = await ahpa(tinyRun(runs, name, set));
  if (code !== 0) throw new Error(output);
  return rows(runs, name).slice(1); // the first holds the compilation
};
const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
const secondsPerStep = (all) => all.map(({ stepsPerSecond }) => 1 / stepsPerSecond);

const pace = median(secondsPerStep(await run('pace', 40, 1000)));
const every = Math.round(60 / pace);
say(`a step of ${pace.toFixed(3)} s, saved every ${every} steps for ${minutes} minutes, in ${runs}`);
const steps = Math.round((minutes + 0.5) * every); // the last half minute bears the end of the last save
const times = secondsPerStep(await run('saving', steps, every));
const mean = times.reduce((sum, time) => sum + time, 0) / times.length;
const stall = mean / median(times) - 1;
conclude(stall < 0.05 ? [] : [`training takes ${(100 * stall).toFixed(1)} % longer`], {
  stallPercent: Number((100 * stall).toFixed(2)),
  secondsPerStep: { median: median(times), mean, most: Math.max(...times) },
  saves: minutes,
});
