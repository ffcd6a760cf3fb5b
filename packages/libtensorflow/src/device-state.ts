/** State that lives on the device in resource variables, which compiled functions update in place. */
import type * as tf from '@tensorflow/tfjs-core';
import type { TensorMetadata } from '../kernels/bundle.js';
import { activeBackend, type TensorFlowBackend } from './backend.ts';
import { DType } from './c-api.ts';
import { attribute } from './graph.ts';
import { formatSignature, type LeafLike, leaves, mapLeaves, type Tree } from './tree.ts';

/** One resource variable. */
export interface Variable extends LeafLike {
  /** Id of its resource handle in the eager binding. */
  readonly handle: number;
}

/** A variable and its path in the tree. */
export type StateLeaf = { readonly path: string; readonly leaf: Variable };

/** A tree of tensors held on the device. `view`s share its variables and do not own them. */
export interface DeviceState<S extends Tree = Tree> {
  /** The tree with a variable in place of each tensor. */
  readonly variables: unknown;
  /** Its leaves. */
  readonly list: readonly StateLeaf[];
  readonly signature: string;
  /** A copy of the present values as a tree of tensors, owned by the caller. */
  read(): S;
  /**
   * Copies the present bytes of each leaf, in the order of `list`, into the caller's memory.
   * @throws Error where a length differs
   */
  copyTo(memory: readonly Uint8Array[]): void;
  /**
   * Replaces the values.
   * @throws Error where the tree differs in structure, shape or dtype
   */
  write(tree: S): void;
  /** Part of the state, sharing its variables: `state.view(({ ema }) => ema)`. */
  view<T extends Tree>(pick: (tree: S) => T): DeviceState<T>;
  dispose(): void;
}

let created = 0;

function tfType(dtype: tf.DataType): number {
  const types: Readonly<Record<string, number>> = {
    float32: DType.float32,
    int32: DType.int32,
    bool: DType.bool,
  };
  const type = types[dtype];
  if (type === undefined)
    throw new Error(`state of dtype ${dtype} cannot be held on the device; use float32, int32 or bool`);
  return type;
}

/** The TensorFlow dtype of a variable. */
export const variableType = (variable: Variable): number => tfType(variable.dtype);

function assign(backend: TensorFlowBackend, variable: Variable, tensor: tf.Tensor): void {
  const [value] = backend.getInputTensorIds([tensor]) as [number];
  backend.eager.executeOp(
    'AssignVariableOp',
    [attribute.type('dtype', variableType(variable))],
    [variable.handle, value],
    0,
  );
}

function createVariable(backend: TensorFlowBackend, tensor: tf.Tensor): Variable {
  const [made] = backend.eager.executeOp(
    'VarHandleOp',
    [
      attribute.type('dtype', tfType(tensor.dtype)),
      attribute.shape('shape', tensor.shape),
      attribute.string('shared_name', `device-state-${created++}`),
    ],
    [],
    1,
  );
  const variable: Variable = {
    handle: (made as { id: number }).id,
    dtype: tensor.dtype,
    shape: tensor.shape,
  };
  assign(backend, variable, tensor);
  return variable;
}

/** The value of a variable, which shares the variable's memory until the next update. */
function readValue(backend: TensorFlowBackend, variable: Variable): TensorMetadata {
  const attributes = [attribute.type('dtype', variableType(variable))];
  return backend.eager.executeOp('ReadVariableOp', attributes, [variable.handle], 1)[0] as TensorMetadata;
}

function copyVariable(backend: TensorFlowBackend, variable: Variable, memory: Uint8Array): void {
  const { id } = readValue(backend, variable);
  try {
    backend.eager.copyData(id, memory);
  } finally {
    backend.eager.deleteTensor(id);
  }
}

function createView<S extends Tree>(
  backend: TensorFlowBackend,
  variables: unknown,
  dispose: () => void,
): DeviceState<S> {
  const list = leaves<Variable>(variables);
  return {
    variables,
    list,
    signature: formatSignature(list),
    read: () =>
      mapLeaves(variables as S, (index) =>
        backend.createOutputTensor(readValue(backend, (list[index] as StateLeaf).leaf)),
      ),
    copyTo(memory) {
      list.forEach(({ leaf }, index) => {
        copyVariable(backend, leaf, memory[index] as Uint8Array);
      });
    },
    write(tree) {
      const given = leaves(tree);
      list.forEach(({ path, leaf }, index) => {
        const other = given[index];
        const same =
          other?.path === path &&
          other.leaf.dtype === leaf.dtype &&
          String(other.leaf.shape) === String(leaf.shape);
        if (!same || given.length !== list.length) {
          throw new Error(
            `the state holds ${leaf.dtype} [${leaf.shape}] at "${path}" but was given ${other ? `${other.leaf.dtype} [${other.leaf.shape}] at "${other.path}"` : 'nothing'}; write a tree of the same form`,
          );
        }
      });
      list.forEach(({ leaf }, index) => {
        assign(backend, leaf, (given[index] as (typeof given)[0]).leaf);
      });
    },
    view: (pick) => createView(backend, pick(variables as S), () => {}),
    dispose,
  };
}

const abandoned = new FinalizationRegistry<() => void>((release) => release());

/**
 * Copies a tree of tensors into resource variables of the active `tensorflow` backend. The tensors stay the caller's.
 * @throws Error where a leaf is not float32, int32 or bool
 */
export function deviceState<S extends Tree>(tree: S): DeviceState<S> {
  const backend = activeBackend();
  const given = leaves(tree);
  const list = given.map(({ leaf }) => createVariable(backend, leaf));
  let disposed = false;
  const release = (): void => {
    if (disposed) return;
    disposed = true;
    for (const { handle } of list) {
      backend.eager.executeOp(
        'DestroyResourceOp',
        [attribute.bool('ignore_lookup_error', true)],
        [handle],
        0,
      );
      backend.eager.deleteTensor(handle);
    }
  };
  const state = createView<S>(
    backend,
    mapLeaves(tree, (index) => list[index]),
    release,
  );
  abandoned.register(state, release);
  return state;
}
