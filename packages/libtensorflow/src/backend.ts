/** The `tensorflow` backend: tfjs-node's kernels over the binding of this package. */
import * as tf from '@tensorflow/tfjs-core';
import { type KernelBinding, NodeJSKernelBackend } from '../kernels/bundle.js';
import { createEagerBinding, type EagerBinding } from './eager.ts';
import { registerKernels } from './kernels.ts';
import { findLibrary } from './library.ts';
import { loadNative } from './native.ts';

/** Frames kept while tracing, enough to reach user code through tfjs. */
const TRACE_STACK = 50;

/**
 * NodeJSKernelBackend with one addition: while a function is traced, it distinguishes tensors made inside from tensors that were made before
 * and are not on the device yet. (A class because it extends one.)
 */
export class TensorFlowBackend extends NodeJSKernelBackend {
  readonly eager: EagerBinding;
  private madeInTrace: WeakSet<object> | undefined;

  constructor(eager: EagerBinding) {
    super(eager, '@tensorflow/tfjs-node-gpu');
    this.eager = eager;
  }

  get tracing(): boolean {
    return this.madeInTrace !== undefined;
  }

  /**
   * Runs `fn` with kernels recorded by `binding`.
   * @throws Error where another trace is in progress
   */
  record<T>(binding: KernelBinding, fn: () => T): T {
    if (this.tracing)
      throw new Error(
        'a compiled function was called inside another while it was traced; call plain functions there',
      );
    this.madeInTrace = new WeakSet();
    this.binding = binding;
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = TRACE_STACK;
    try {
      return fn();
    } finally {
      Error.stackTraceLimit = stackTraceLimit;
      this.binding = this.eager;
      this.madeInTrace = undefined;
    }
  }

  /** Inside `record`: runs `fn` with kernels recorded by another binding. */
  recordInside<T>(binding: KernelBinding, fn: () => T): T {
    const outer = this.binding;
    this.binding = binding;
    try {
      return fn();
    } finally {
      this.binding = outer;
    }
  }

  override write(values: tf.BackendValues, shape: number[], dtype: tf.DataType): object {
    const dataId = super.write(values, shape, dtype);
    this.madeInTrace?.add(dataId);
    return dataId;
  }

  override getInputTensorIds(tensors: readonly { dataId: object }[]): number[] {
    if (this.madeInTrace) for (const { dataId } of tensors) this.upload(dataId);
    return super.getInputTensorIds(tensors);
  }

  private upload(dataId: object | undefined): void {
    if (!dataId || this.madeInTrace?.has(dataId)) return;
    const record = this.tensorMap.get(dataId);
    if (record.values === null) return;
    record.id = this.eager.createTensor(record.shape, record.dtype, record.values);
    record.values = null;
  }
}

/** Options of `useTensorFlow`. */
export interface UseOptions {
  /** Path of libtensorflow_cc; default the first one found (see `findLibrary`). */
  readonly library?: string;
  /** Threads of one operation, default all processors. Fewer suit graphs whose operations run side by side. */
  readonly threadsPerOp?: number;
}

/**
 * Registers and selects the `tensorflow` backend; a second call only selects it and ignores its options.
 * @throws Error (user error) naming `setup` where no library is found
 */
export async function useTensorFlow(options: UseOptions = {}): Promise<TensorFlowBackend> {
  if (!tf.engine().registryFactory['tensorflow']) {
    const path = options.library ?? findLibrary().path;
    const eager = createEagerBinding(loadNative(path, options.threadsPerOp));
    registerKernels();
    tf.registerBackend('tensorflow', () => new TensorFlowBackend(eager), 3);
  }
  await tf.setBackend('tensorflow');
  return tf.backend() as TensorFlowBackend;
}

/**
 * The active `tensorflow` backend.
 * @throws Error where another backend is active
 */
export function activeBackend(): TensorFlowBackend {
  const backend = tf.backend();
  if (!(backend instanceof TensorFlowBackend)) {
    throw new Error(
      `the active backend is "${tf.getBackend()}", not "tensorflow"; call useTensorFlow() first`,
    );
  }
  return backend;
}
