/** A plan as text. */
import { shortCount } from '@ahpa/messages';
import { size } from './machine.ts';
import type { Plan } from './types.ts';

const digits = new Intl.NumberFormat('en', { maximumSignificantDigits: 2, useGrouping: false });

/** Lines about a plan. */
export function planText(plan: Plan, watts: number): string[] {
  const { config, tokens, parameters, memory, memoryBytes, disk, machine } = plan;
  const { batch, accumulate, steps } = config.train;
  const parts = Object.entries(memory).map(([name, bytes]) => `${name} ${size(bytes)}`);
  const together = accumulate === 1 ? '' : ` in ${accumulate} parts`;
  return [
    `model    ${shortCount(parameters.transformer)} parameters, ${tokens} tokens an image; alignment ${shortCount(parameters.alignment)} parameters`,
    `step     ${batch} images${together}, ${shortCount(plan.flopsPerStep / 1e9)} GFLOP; ${shortCount(steps)} steps`,
    `memory   about ${size(memoryBytes)} of ${size(machine.memoryBytes)}: ${parts.join(', ')}`,
    `disk     ${disk.checkpoints} checkpoints of ${size(disk.checkpoint)} make ${size(disk.total)} of ${size(machine.diskBytes)} free; features ${size(disk.cachePerImage)} an image`,
    ...interludesText(plan),
    ...trialText(plan),
    timeText(plan, watts),
  ];
}

/** A line for each kind of work between the steps: in hours where the speed is known, otherwise beside the steps. */
function interludesText({ interludes, secondsPerStep, flopsPerStep, config }: Plan): string[] {
  return interludes.map(({ name, times, images, flops }) => {
    const cost =
      secondsPerStep === undefined
        ? `${digits.format((100 * flops) / (flopsPerStep * config.train.steps))} % of the steps' arithmetic`
        : `about ${digits.format((secondsPerStep * flops) / flopsPerStep / 3600)} hours`;
    return `between  ${name}: ${times} of ${images} images, ${cost}`;
  });
}

function trialText({ trial }: Plan): string[] {
  if (trial === undefined) return [];
  const { batch, secondsPerStep, peakBytes, predictedBytes } = trial;
  return [
    `trial    ${batch} images a step: ${secondsPerStep.toFixed(3)} s, ${size(peakBytes)} at most (${size(predictedBytes)} foreseen)`,
  ];
}

function timeText({ config, secondsPerStep, hours, kilowattHours, machine }: Plan, watts: number): string {
  if (secondsPerStep === undefined || hours === undefined || kilowattHours === undefined) {
    return 'time     unknown without a trial or --gflops';
  }
  const energy = `${digits.format(kilowattHours)} kWh if each of ${machine.cores} cores draws ${watts} W`;
  const steps = (secondsPerStep * config.train.steps) / 3600;
  return `time     about ${digits.format(secondsPerStep)} s a step, ${digits.format(steps)} hours of steps, ${digits.format(hours)} hours in all; ${energy}`;
}

/** The reason that a plan cannot be carried out on its machine; undefined where it can. */
export function unfit({
  config,
  memoryBytes,
  disk,
  machine,
}: Pick<Plan, 'config' | 'memoryBytes' | 'disk' | 'machine'>): string | undefined {
  if (memoryBytes > machine.memoryBytes) {
    const { batch, accumulate } = config.train;
    return `A step of ${batch / accumulate} images needs about ${size(memoryBytes)} of memory and there are ${size(machine.memoryBytes)}: raise train.accumulate, set train.checkpointBlocks, or choose a smaller model.`;
  }
  if (disk.total > machine.diskBytes) {
    return `The checkpoints need ${size(disk.total)} and the disk has ${size(machine.diskBytes)} free: lower train.keepLast or raise train.keepEvery, or choose another --runs.`;
  }
  return undefined;
}
