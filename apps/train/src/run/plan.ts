/** What a configuration would train, without training it. */
import { forwardFlops, parameterCount, tokenCount } from '@ahpa/dit-core';
import type { TrainConfig } from '../config/types.ts';
import { openData } from '../features/open-data.ts';
import type { Reporter } from '../report.ts';
import { readVae } from '../vae/load.ts';
import { targetSource } from '../variants/targets.ts';
import { shortCount } from '../visual/progress-line.ts';
import { modelConfig } from '../wiring.ts';
import { dataShape } from './prepare.ts';

/** Parameters, averages, two moments and gradients: float32 values held for each trained parameter. */
const VALUES_PER_PARAMETER = 5;

/** The transformer's size and cost. */
export interface Plan {
  readonly config: TrainConfig;
  readonly groups: Readonly<Record<string, readonly string[]>>;
  readonly tokens: number;
  /** Of the transformer, without the heads of the alignment. */
  readonly parameters: number;
  /** Floating-point operations of one step of the transformer, forward and backward. */
  readonly flopsPerStep: number;
  /** Memory of parameters, averages, moments and gradients. */
  readonly stateBytes: number;
}

/** Says and resolves to what `config` would train. */
export async function plan(config: TrainConfig, reporter: Reporter): Promise<Plan> {
  const vae = await readVae(config.vae, reporter);
  const data = await openData(config.data, reporter);
  const model = modelConfig(config.model, dataShape(data, vae));
  await data.close();
  const { groups } = targetSource(config.alignment, vae.config);
  const parameters = parameterCount(model);
  const result = {
    config,
    groups: Object.fromEntries(groups.map(({ name, taps }) => [name, taps])),
    tokens: tokenCount(model),
    parameters,
    flopsPerStep: 3 * config.train.batch * forwardFlops(model).flops,
    stateBytes: 4 * VALUES_PER_PARAMETER * parameters,
  };
  reporter.say(JSON.stringify(config, null, 2));
  reporter.say(
    [
      `${shortCount(parameters)} parameters, ${result.tokens} tokens an image,`,
      `${shortCount(result.flopsPerStep / 1e9)} GFLOP a step, ${shortCount(result.stateBytes / 1e6)} MB of state`,
    ].join(' '),
  );
  return result;
}
