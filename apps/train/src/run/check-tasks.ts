/** Checks before the first step of a run: what its tasks will need later is there. */
import type { Engine } from '@ahpa/engine';
import { openFeatureNetwork } from '@ahpa/evaluation/node';
import type { Dataset } from '@ahpa/image-features';
import { type Reporter, userError } from '@ahpa/messages';
import * as tf from '@tensorflow/tfjs-core';
import type { TrainConfig } from '../config/types.ts';
import { networkChoice } from '../tasks/training-reference.ts';
import { type Prepared, prepare } from './prepare.ts';

/** First and last item. */
const ends = ({ count }: Dataset): Uint32Array => Uint32Array.of(0, count - 1);

/** Everything that a run needs before its first step, and what its tasks need later checked. @throws an error the user can fix where some of it is missing */
export async function prepareChecked(
  config: TrainConfig,
  engine: Engine,
  reporter: Reporter,
): Promise<Prepared> {
  const parts = await prepare(config, engine, reporter);
  try {
    await checkTasks(config, parts, engine, reporter);
    return parts;
  } catch (error) {
    parts.dispose();
    throw error;
  }
}

/** Opens the held-out data, the pixels of the reference and the network of the evaluation, as far as the configuration asks for them. */
async function checkTasks(
  config: TrainConfig,
  { train, heldOut }: Prepared,
  engine: Engine,
  reporter: Reporter,
): Promise<void> {
  const { lossEvery, every } = config.evaluate;
  if (train.count === 0) throw userError('There are no images to train on: lower data.holdOut, or add some.');
  if (lossEvery > 0) await checkHeldOut(await heldOut());
  if (every === 0) return;
  await train.pixels(ends(train));
  const network = await openFeatureNetwork(networkChoice(config), engine, reporter);
  network.dispose();
}

async function checkHeldOut(heldOut: Dataset): Promise<void> {
  if (heldOut.count === 0)
    throw userError(
      'evaluate.lossEvery needs held-out images, and there are none among so few: raise data.holdOut, or set evaluate.lossEvery to 0.',
    );
  const { latent, y, targets } = await heldOut.batch(ends(heldOut));
  tf.dispose([latent.mean, latent.std, y]);
  tf.dispose(targets as tf.TensorContainer);
}
