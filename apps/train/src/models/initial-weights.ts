/** Initial weights of a new run: a published network's, or another run's. */

import type { DiTConfig } from '@ahpa/dit-core';
import { type Reporter, userError } from '@ahpa/messages';
import { mapTree } from '@ahpa/ops';
import { CLASS_TABLE, changeConvention, type Network } from '@ahpa/sit-weights';
import { inFloat32, type TensorEntry, toFloat32 } from '@ahpa/weight-files';
import * as tf from '@tensorflow/tfjs-core';
import type { InitChoice } from '../config/types.ts';
import type { RunState } from '../models/wiring.ts';
import { openModel } from './ahpa-format.ts';

/** Sizes that both networks must share. */
const SHARED = ['hiddenSize', 'depth', 'heads', 'patchSize', 'latentChannels', 'mlpRatio', 'qkNorm'] as const;

/** Layers of DiT that differ from SiT's: DiT reads steps and predicts noise. */
const DIT_ONLY = /^(t_embedder|final_layer\.linear)\./;

type Weights = Readonly<Record<string, TensorEntry>>;

/** The state of a new run with weights and all their averages set to those of `init`; consumes `state`. @throws where sizes differ. */
export async function withInitialWeights(
  state: RunState,
  init: InitChoice,
  network: DiTConfig,
  reporter: Reporter,
): Promise<RunState> {
  const weights = await initialWeights(init, network, reporter);
  return mapTree((leaf, path) => {
    const name = /^(?:params|ema\.\d+)\.denoiser\.(.+)$/.exec(path)?.[1];
    const entry = name === undefined ? undefined : weights[name];
    if (entry === undefined) return leaf;
    const values = tf.tensor(toFloat32(entry), [...entry.shape]);
    const started = withRest(values, leaf);
    leaf.dispose();
    return started;
  }, state);
}

async function initialWeights(init: InitChoice, network: DiTConfig, reporter: Reporter): Promise<Weights> {
  const { path, from, part } = init;
  const options = { runs: 'runs', heads: network.heads, latentSize: network.latentSize };
  const { state, source } = await openModel(
    path,
    { ...options, ...(from !== 'file' && { from }), ...(part !== null && { part }) },
    reporter,
  );
  assertSame(source, state.network, network);
  const wide = Object.fromEntries(
    Object.entries(state.trunk).map(([name, entry]) => [name, inFloat32(entry)]),
  );
  const { trunk } =
    state.network.convention === 'sit' ? changeConvention(wide, state.network, 'repa') : { trunk: wide };
  const anew = (name: string): boolean =>
    (state.network.convention === 'dit' && DIT_ONLY.test(name)) ||
    (state.network.classes !== network.classes && name === CLASS_TABLE);
  const dropped = Object.keys(trunk).filter(anew);
  if (dropped.length > 0) reporter.warn(`These start anew, as ${source} has others: ${dropped.join(', ')}.`);
  else if (state.network.hasNullClass === false)
    reporter.warn(`The null class starts anew, as ${source} was trained without label dropout.`);
  return Object.fromEntries(Object.entries(trunk).filter(([name]) => !anew(name)));
}

/** `values` and, where `leaf` has more rows, its own after them; consumes `values`. */
function withRest(values: tf.Tensor, leaf: tf.Tensor): tf.Tensor {
  const [rows = 0] = values.shape;
  if (rows === (leaf.shape[0] ?? 0)) return values;
  const whole = tf.tidy(() => tf.concat([values, tf.slice(leaf, [rows])]));
  values.dispose();
  return whole;
}

function assertSame(source: string, theirs: Network, network: DiTConfig): void {
  const ours = { qkNorm: false, ...network };
  const other = SHARED.filter((key) => theirs[key] !== ours[key]);
  if (other.length === 0) return;
  const differences = other.map((key) => `${key} ${theirs[key]}, wanted ${ours[key]}`);
  throw userError(`${source} cannot start this run: ${differences.join('; ')}. Set model.size to fit it.`);
}
