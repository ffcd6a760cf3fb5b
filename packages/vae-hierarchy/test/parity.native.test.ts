import * as tf from '@tensorflow/tfjs-core';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  decode,
  encode,
  inferVaeConfig,
  joinHalves,
  loadVaeParams,
  parseVaeConfig,
  type StateTensor,
  samplePosterior,
  type VaeConfig,
} from '../src/index.ts';
import {
  environment,
  exists,
  failure,
  newFolder,
  readJson,
  readState,
  remove,
  runTraced,
  SHARED_DATA,
  say,
  useNative,
} from './host.ts';

const folder = await newFolder();
const python = (await environment('AHPA_PYTHON')) ?? 'python3';
const script = `${import.meta.dirname}/../../../scripts/golden/vae-parity.py`;
const missing = (await useNative()) ?? (await failure(python, [script, folder]));
if (missing !== undefined) {
  await say(`skipped: parity with diffusers, ${missing} (AHPA_PYTHON names the Python)`);
  await remove(folder);
}

beforeEach(() => tf.engine().startScope());
afterEach(() => tf.engine().endScope());
afterAll(() => remove(folder)); // vitest calls this only where a test ran

type Expected = Readonly<Record<string, StateTensor>>;

const tensorOf = (expected: Expected, name: string): tf.Tensor4D => {
  const { data, shape } = expected[name] as StateTensor;
  return tf.tensor4d(data, shape as [number, number, number, number]);
};

/** Fails where a tensor is further than `atol` from what PyTorch has. */
function expectNear(name: string, actual: tf.Tensor, wanted: tf.Tensor, atol: number): void {
  expect([name, ...actual.shape]).toEqual([name, ...wanted.shape]);
  const worst = tf.max(tf.abs(tf.sub(actual, wanted))).dataSync()[0] as number;
  if (!(worst <= atol)) throw new Error(`${name} differs by ${worst}, wanted at most ${atol}`);
}

function compare(
  state: Record<string, StateTensor>,
  config: VaeConfig,
  expected: Expected,
  atol: number,
): void {
  const params = loadVaeParams(state, config);
  const taps: readonly string[] = Object.keys(expected).flatMap((name) =>
    name.startsWith('tap:') ? [name.slice(4)] : [],
  );
  const { posterior, levels } = encode(params, tensorOf(expected, 'x'), config, taps);
  const { logVar } = expected as { readonly logVar?: StateTensor };
  const moments = logVar ? posterior : { mean: posterior.mean };
  for (const [name, tensor] of Object.entries(moments))
    expectNear(name, tensor, tensorOf(expected, name), atol);
  for (const tap of taps) expectNear(tap, levels[tap] as tf.Tensor, tensorOf(expected, `tap:${tap}`), atol);
  expectNear(
    'decoded',
    decode(params, tensorOf(expected, 'mean'), config),
    tensorOf(expected, 'decoded'),
    atol,
  );
}

describe.skipIf(missing !== undefined)('parity with diffusers, read from its own files', () => {
  it.each(['sd', 'sd3', 'taesd'])('%s', async (name) => {
    const config = parseVaeConfig(await readJson(`${folder}/${name}/config.json`));
    const state = await readState(`${folder}/${name}`);
    for (const size of ['64x64', '256x256', '64x96'])
      compare(state, config, await readState(`${folder}/${name}/expected-${size}.safetensors`), 1e-4);
  });

  it.each(['sd3', 'taesd'])('%s as a traced graph', async (name) => {
    const config = parseVaeConfig(await readJson(`${folder}/${name}/config.json`));
    const params = loadVaeParams(await readState(`${folder}/${name}`), config);
    const expected = await readState(`${folder}/${name}/expected-64x96.safetensors`);
    const restore = (weights: typeof params, x: tf.Tensor4D): Record<string, tf.Tensor> => {
      const { posterior, levels } = encode(weights, x, config, ['down.1.block.1']);
      const z = samplePosterior({ ...posterior, logVar: tf.sub(posterior.logVar, 1e9) }, tf.ones([1]));
      return {
        mean: z,
        decoded: decode(weights, z, config),
        'tap:down.1.block.1': levels['down.1.block.1'] as tf.Tensor,
      };
    };
    const outputs = await runTraced(restore, params, tensorOf(expected, 'x'));
    for (const [key, tensor] of Object.entries(outputs))
      expectNear(key, tensor, tensorOf(expected, key), 1e-4);
  });

  it('TAEF2 on 50 photographs', async (context) => {
    if (!(await exists(`${SHARED_DATA}/taef2_encoder.pth`))) context.skip('TAEF2 is not in ../shared/data');
    const halves = ['encoder', 'decoder'].map((half) => readState(`${SHARED_DATA}/taef2_${half}.pth`));
    const state = joinHalves(...((await Promise.all(halves)) as [Record<string, StateTensor>, never]));
    const config = inferVaeConfig(state, { scalingFactor: 1, shiftFactor: 0 });
    const expected = await readState(`${folder}/taef2/expected.safetensors`);
    compare(state, config, expected, 1e-3);
    const params = loadVaeParams(state, config);
    const x = tensorOf(expected, 'x');
    const restored = tf.clipByValue(decode(params, encode(params, x, config).posterior.mean, config), -1, 1);
    const errors = tf.mean(tf.squaredDifference(tf.div(restored, 2), tf.div(x, 2)), [1, 2, 3]);
    const psnr = tf.mean(tf.mul(tf.log(errors), -10 / Math.LN10)).dataSync()[0] as number;
    await say(`TAEF2 restores 50 photographs of 64 px with ${psnr.toFixed(2)} dB`);
    expect(psnr).toBeGreaterThan(20);
  });
});
