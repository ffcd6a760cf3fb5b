/** Operations that a bfloat16 trace computes in bfloat16: matrix products, and operations between them. */
import { DType } from './c-api.ts';
import { attribute, type Graph, type GraphTensor } from './graph.ts';

/** Precision of a compiled function: master state and everything statistical stay float32 in both. */
export type Precision = 'float32' | 'bfloat16';

/** Always in bfloat16: their time is arithmetic. */
const COMPUTE = new Set(['MatMul', 'BatchMatMulV2', 'Conv2D', 'Conv2DBackpropInput', 'Conv2DBackpropFilter']);

/**
 * Move or lightly transform values: they keep bfloat16 where it reaches them. Softmax is here because its kernel reads
 * and writes bfloat16 but sums in float32. Everything else is computed in float32.
 */
const FOLLOW = new Set(
  (
    'Add AddN AddV2 BroadcastTo ConcatV2 ExpandDims Identity Maximum Minimum Mul Neg Pack Pad PadV2 Relu ReluGrad Reshape ' +
    'ResizeNearestNeighbor SelectV2 Sigmoid SigmoidGrad Slice Softmax Split SplitV Square Squeeze StridedSlice Sub Tanh ' +
    'TanhGrad Tile Transpose Unpack ZerosLike'
  ).split(' '),
);

const isFloat = ({ dtype }: GraphTensor): boolean => dtype === DType.float32 || dtype === DType.bfloat16;
const size = ({ shape }: GraphTensor): number => shape.reduce((a, b) => a * b, 1);

/** Casts with a memory, so that one tensor is converted at most once. */
export interface Caster {
  to(tensor: GraphTensor, dtype: number): GraphTensor;
}

/** Casts between float32 and bfloat16 in `graph`. */
export function createCaster(graph: Graph): Caster {
  const made = new Map<string, GraphTensor>();
  return {
    to(tensor, dtype) {
      if (tensor.dtype === dtype || !isFloat(tensor)) return tensor;
      const key = `${tensor.oper}:${tensor.index}`;
      const known = made.get(key);
      if (known) return known;
      const [cast] = graph.emit('Cast', [tensor], [attribute.type('DstT', dtype)]);
      made.set(key, cast as GraphTensor);
      return cast as GraphTensor;
    },
  };
}

/** Whether every float32 input is smaller than a bfloat16 one: a bias, a gate, a constant beside activations. */
export function bfloat16Prevails(inputs: readonly GraphTensor[]): boolean {
  const largest = (dtype: number): number =>
    Math.max(0, ...inputs.filter((input) => input.dtype === dtype).map(size));
  return largest(DType.bfloat16) > largest(DType.float32);
}

/** The inputs of an op as a bfloat16 trace feeds them: all in bfloat16, or all in float32. */
export function bfloat16Inputs(
  caster: Caster,
  op: string,
  inputs: readonly GraphTensor[],
): readonly GraphTensor[] {
  const low = COMPUTE.has(op) || (FOLLOW.has(op) && bfloat16Prevails(inputs));
  return inputs.map((input) => caster.to(input, low ? DType.bfloat16 : DType.float32));
}
