/** What the learning rate does in a run that is made longer, in a line. */
import type { TrainConfig } from '../config/types.ts';

/** The line for a run that now has `train.steps` steps. */
export function describeSchedule({
  optim: { learningRate, schedule },
  train: { steps },
}: TrainConfig): string {
  const head = `The run is longer now, ${steps} steps:`;
  if (schedule.kind === 'constant') return `${head} the learning rate stays ${learningRate}.`;
  if (schedule.kind === 'inverse-sqrt')
    return `${head} the learning rate goes on falling with the root of the step.`;
  const { kind, until, final } = schedule;
  if (until >= steps)
    return `${head} the ${kind} decay of the learning rate goes on, to ${final} at step ${until}.`;
  return `${head} the ${kind} decay ends at step ${until}, and the learning rate is ${final} from there on; --change optim.schedule.until=${steps} stretches the decay.`;
}
