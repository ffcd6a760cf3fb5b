/** Diagnosis of TensorFlow in Node: installed parts, missing parts, and the command that fixes each. */
import * as tf from '@tensorflow/tfjs-core';
import { type TensorFlowBackend, useTensorFlow } from './backend.ts';
import { cacheFolder, findLibrary, type Library } from './library.ts';
import { type Capacity, capacity, type Gpu, gpus, type Processor, processor } from './machine.ts';
import { matmulGflops } from './matmul-bench.ts';
import type { Device } from './native.ts';

/** A missing part, and the command or action that fixes it. */
export interface Problem {
  readonly what: string;
  readonly fix: string;
}

/** Measured speed of matrix products. */
export interface MatmulSpeed {
  readonly device: 'cpu' | 'gpu';
  readonly size: number;
  readonly float32Gflops: number;
  readonly bfloat16Gflops: number;
}

/** Report of `doctor`. */
export interface DoctorReport {
  /** Whether the requested device, or any device if none was requested, can compute. */
  readonly ok: boolean;
  readonly node: string;
  readonly platform: string;
  readonly library?: Library;
  readonly devices: readonly Device[];
  readonly cpu: Processor;
  readonly gpus: readonly Gpu[];
  readonly matmul?: MatmulSpeed;
  readonly capacity: Capacity;
  readonly problems: readonly Problem[];
}

/** Options of `doctor`. */
export interface DoctorOptions {
  /** The required device. */
  readonly device?: 'cpu' | 'gpu';
}

const OLDEST_NODE = [20, 19] as const;

function nodeProblem(): Problem[] {
  const [major, minor] = process.versions.node.split('.').map(Number) as [number, number];
  if (major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])) return [];
  const what = `Node ${process.versions.node} is older than ${OLDEST_NODE.join('.')}`;
  return [{ what, fix: 'install Node 22 (https://nodejs.org)' }];
}

const sentence = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** First reason that applies for a requested GPU being unavailable. */
function gpuProblem(listed: readonly Gpu[]): Problem {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    const what = `TensorFlow's library drives NVIDIA GPUs on Linux x64 only, not on ${process.platform} ${process.arch}`;
    return { what, fix: 'compute on the CPU: --device cpu' };
  }
  const visible = process.env['CUDA_VISIBLE_DEVICES'];
  if (visible === '' || visible === '-1') {
    return {
      what: `CUDA_VISIBLE_DEVICES is "${visible}", which hides every GPU`,
      fix: 'unset CUDA_VISIBLE_DEVICES',
    };
  }
  if (listed.length === 0) {
    const what = 'nvidia-smi lists no GPU: there is none, or its driver is not installed';
    return { what, fix: "install NVIDIA's driver, version 525 or newer, until `nvidia-smi` lists the GPU" };
  }
  try {
    findLibrary({ gpu: true });
  } catch {
    const what = `the TensorFlow library is built for the CPU, and ${listed[0]?.name} stands idle`;
    return { what, fix: 'npx @ahpa/libtensorflow setup --gpu' };
  }
  const what = `TensorFlow found no GPU although nvidia-smi lists ${listed[0]?.name}`;
  return { what, fix: 'see why: TF_CPP_MIN_LOG_LEVEL=0 npx @ahpa/libtensorflow doctor --device gpu' };
}

const hasGpu = ({ eager }: TensorFlowBackend): boolean =>
  eager.native.devices.some(({ type }) => type === 'GPU');

function measure(backend: TensorFlowBackend): MatmulSpeed {
  const device = hasGpu(backend) ? 'gpu' : 'cpu';
  const options =
    device === 'gpu' ? { size: 8192, products: 8, calls: 5 } : { size: 1024, products: 8, calls: 5 };
  return {
    device,
    size: options.size,
    float32Gflops: matmulGflops('float32', options),
    bfloat16Gflops: matmulGflops('bfloat16', options),
  };
}

/** Runs `fn` with the `tensorflow` backend, then selects the previous backend again. */
async function withBackend<T>(library: Library, fn: (backend: TensorFlowBackend) => T): Promise<T> {
  const before = tf.engine().backendName;
  const backend = await useTensorFlow({ library: library.path });
  try {
    return fn(backend);
  } finally {
    if (before) await tf.setBackend(before);
  }
}

/**
 * Examines Node, TensorFlow's library, the devices and the machine, and measures matrix products (a few seconds).
 * `ok` is false where the library or the requested device is absent: nothing falls back to another device.
 */
export async function doctor(options: DoctorOptions = {}): Promise<DoctorReport> {
  const { device } = options;
  const problems = nodeProblem();
  const listed = gpus();
  const common = {
    node: process.versions.node,
    platform: `${process.platform} ${process.arch}`,
    cpu: processor(),
    gpus: listed,
    capacity: await capacity(cacheFolder()),
  };
  try {
    const library = findLibrary();
    const examined = await withBackend(library, (backend) => {
      if (device === 'gpu' && !hasGpu(backend)) problems.push(gpuProblem(listed));
      const { version, devices } = backend.eager.native;
      return { library: { ...library, version }, devices, matmul: measure(backend) };
    });
    return { ok: problems.length === 0, ...common, ...examined, problems };
  } catch (error) {
    problems.push({
      what: sentence(error),
      fix: `npx @ahpa/libtensorflow setup${device === 'gpu' ? ' --gpu' : ''}`,
    });
    return { ok: false, ...common, devices: [], problems };
  }
}
