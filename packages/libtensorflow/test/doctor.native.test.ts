/** The doctor on this machine, and how its report reads. */
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type DoctorReport, doctor } from '../src/doctor.ts';
import { formatDoctor } from '../src/doctor-format.ts';

afterEach(() => vi.unstubAllEnvs());

const healthy: DoctorReport = {
  ok: true,
  node: '22.18.0',
  platform: 'linux x64',
  library: { path: '/cache/libtensorflow_cc.so.2', version: '2.21.0', source: 'cache' },
  devices: [{ name: '/job:localhost/replica:0/task:0/device:CPU:0', type: 'CPU', memoryBytes: 1 }],
  cpu: { model: 'A processor', cores: 2, features: ['avx2', 'avx512_bf16'], nativeBf16: true },
  gpus: [],
  matmul: { device: 'cpu', size: 1024, float32Gflops: 195.4, bfloat16Gflops: 400.2 },
  capacity: { memoryBytes: 25e9, freeMemoryBytes: 20e9, diskFolder: '/cache', freeDiskBytes: 77e9 },
  problems: [],
};

describe('doctor', () => {
  test('measures matrix products on the device that is there, and leaves no tensor and the backend as it was', async () => {
    const report = await doctor({ device: 'cpu' });
    expect(report).toMatchObject({ ok: true, problems: [], node: process.versions.node });
    expect(report.library?.version).toMatch(/^2\.\d+\.\d+$/);
    expect(report.devices.map(({ type }) => type)).toContain('CPU');
    expect(report.matmul?.float32Gflops).toBeGreaterThan(1);
    expect(report.matmul?.bfloat16Gflops).toBeGreaterThan(0.1);
    expect(tf.memory().numTensors).toBe(0);
  });

  test('is not content with the CPU when a GPU is asked for and hidden', async () => {
    vi.stubEnv('CUDA_VISIBLE_DEVICES', '-1');
    const report = await doctor({ device: 'gpu' });
    const hasGpu = report.devices.some(({ type }) => type === 'GPU');
    expect(report.ok).toBe(hasGpu);
    if (!hasGpu)
      expect(report.problems).toEqual([{ what: expect.any(String), fix: expect.stringMatching(/\w/) }]);
  });

  test('reports a missing library with the command that obtains it', async () => {
    vi.stubEnv('LIBTENSORFLOW_PATH', '/nowhere');
    const report = await doctor();
    expect(report.ok).toBe(false);
    expect(report.library).toBeUndefined();
    expect(report.problems[0]).toMatchObject({ fix: 'npx @ahpa/libtensorflow setup' });
  });
});

describe('formatDoctor', () => {
  test('keeps to 80 columns', () => {
    const long = {
      what: 'a sentence of many words that does not fit '.repeat(5).trim(),
      fix: 'npx do something',
    };
    const text = formatDoctor({ ...healthy, ok: false, problems: [long] });
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    expect(text).toContain('fix     npx do something');
    expect(text).toMatch(/Not ready/);
  });

  test('tells the facts', () => {
    expect(formatDoctor(healthy).split('\n')).toEqual([
      'Node      22.18.0 on linux x64',
      'library   TensorFlow 2.21.0 (cache) /cache/libtensorflow_cc.so.2',
      'devices   CPU:0',
      'CPU       A processor, 2 cores; avx2 avx512_bf16',
      'bfloat16  native on this CPU',
      'matmul    1024 x 1024 on the CPU: 195 GFLOP/s in float32, 400 GFLOP/s in',
      '          bfloat16',
      'memory    20.0 GB free of 25.0 GB',
      'disk      77.0 GB free in /cache',
      'All is well.',
    ]);
  });

  test('says what a GPU can do, and its speed in teraflops', () => {
    const gpus = [{ name: 'NVIDIA H100', driver: '570.1', computeCapability: '9.0' }];
    const matmul = { device: 'gpu' as const, size: 8192, float32Gflops: 51_000, bfloat16Gflops: 700_000 };
    const text = formatDoctor({ ...healthy, gpus, matmul });
    expect(text).toContain('GPU       NVIDIA H100, driver 570.1, compute 9.0');
    expect(text).toContain('bfloat16  native on this GPU');
    expect(text).toContain('8192 x 8192 on the GPU: 51 TFLOP/s in float32, 700 TFLOP/s in');
  });
});
