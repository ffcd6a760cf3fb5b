/** The progress line of training. */
import { type ProgressState, shortCount, timeLeft } from '@ahpa/messages';

/** Numbers of the line beside the steps; losses as in the run's record. */
export interface TrainingPayload {
  readonly images: number;
  /** Images of a step. */
  readonly batch: number;
  readonly denoising: number;
  readonly alignment?: number;
}

/** Step, images seen, images a second, losses and time left; for a bar whose units are steps. */
export function trainingFormat(state: ProgressState<TrainingPayload>): string {
  const { value, total, perSecond, secondsLeft, payload } = state;
  const imagesPerSecond = perSecond * payload.batch;
  const parts = [
    `${value}/${total}`,
    `${shortCount(payload.images)} img`,
    ...(Number.isFinite(imagesPerSecond) ? [`${shortCount(imagesPerSecond)} img/s`] : []),
    `loss ${payload.denoising.toFixed(3)}`,
    ...(payload.alignment === undefined ? [] : [`align ${payload.alignment.toFixed(3)}`]),
  ];
  return `${parts.join('  ')}${timeLeft(secondsLeft)}`;
}
