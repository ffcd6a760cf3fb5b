/**
 * From SiT's time and sign to REPA's and back, in the weights themselves: v(x, t) = -net(x, 1 - t). The sign goes into
 * the last layer, exactly; 1 - t into the first layer that reads the sinusoid of t, up to the rounding of float32:
 * cos(f - f t) = cos f cos f t + sin f sin f t, sin(f - f t) = sin f cos f t - cos f sin f t.
 */
import { type Network, outputChannels } from './network.ts';
import type { StateDict, StateTensor } from './tensor.ts';

const TIME = 't_embedder.mlp.0.weight';
const LAST = 'final_layer.linear';

function floats(name: string, { dtype, data }: StateTensor): Float32Array {
  if (dtype !== 'F32') throw new Error(`${name} is ${dtype}, wanted F32 to change its convention.`);
  return new Float32Array(data.slice().buffer);
}

const like = <T extends StateTensor>(tensor: T, shape: readonly number[], values: Float32Array): T => ({
  ...tensor,
  shape,
  data: new Uint8Array(values.buffer),
});

/** Weights [D, 256] that read cosines then sines of t, made to read those of 1 - t. Done twice it gives the weights back. */
function reverseTime<T extends StateTensor>(tensor: T): T {
  const [rows, width] = tensor.shape as [number, number];
  const [half, values] = [width / 2, floats(TIME, tensor)];
  for (let k = 0; k < half; k++) {
    const frequency = Math.exp((-Math.log(10000) * k) / half);
    const [cosine, sine] = [Math.cos(frequency), Math.sin(frequency)];
    for (let row = 0; row < rows; row++) {
      const at = row * width + k;
      const [c, s] = [values[at] as number, values[at + half] as number];
      values[at] = c * cosine + s * sine;
      values[at + half] = c * sine - s * cosine;
    }
  }
  return like(tensor, tensor.shape, values);
}

/** The last layer, its rows (patch row, patch column, channel) negated and cut to or filled with zeros up to `channels`. */
function negateRows<T extends StateTensor>(name: string, tensor: T, from: number, channels: number): T {
  const [rows, ...rest] = tensor.shape as [number, ...number[]];
  const width = rest[0] ?? 1;
  const values = floats(name, tensor);
  const pixels = rows / from;
  const changed = new Float32Array(pixels * channels * width);
  for (let pixel = 0; pixel < pixels; pixel++) {
    for (let i = 0; i < Math.min(from, channels) * width; i++)
      changed[pixel * channels * width + i] = -(values[pixel * from * width + i] as number);
  }
  return like(tensor, [pixels * channels, ...rest], changed);
}

/**
 * The same velocity by a network of another convention. From 'sit' to 'repa' the second half of SiT's channels is
 * dropped, on the way back it is zero; 'dit' reads other times and is neither.
 * @throws Error where one of the conventions is `dit` and the other is not
 */
export function changeConvention<T extends StateTensor>(
  trunk: StateDict<T>,
  network: Network,
  to: Network['convention'],
): { readonly trunk: Record<string, T>; readonly network: Network } {
  if (network.convention === to) return { trunk: { ...trunk }, network };
  if (network.convention === 'dit' || to === 'dit') {
    throw new Error(
      `Weights of convention ${network.convention} cannot be turned into ${to}: DiT's networks read 1,000 steps and predict noise, others read t and predict velocity.`,
    );
  }
  const next: Network = { ...network, convention: to, learnSigma: to === 'sit' };
  const [from, channels] = [outputChannels(network), outputChannels(next)];
  const changed = Object.entries(trunk).map(([name, tensor]) => {
    if (name === TIME) return [name, reverseTime(tensor)];
    return [name, name.startsWith(`${LAST}.`) ? negateRows(name, tensor, from, channels) : tensor];
  });
  return { trunk: Object.fromEntries(changed), network: next };
}
