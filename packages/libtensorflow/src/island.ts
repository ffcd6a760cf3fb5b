/** Islands: parts of a traced function that XLA compiles into few passes over their tensors. */
import * as tf from '@tensorflow/tfjs-core';
import type { TensorFlowBackend } from './backend.ts';
import { DType } from './c-api.ts';
import { createGraph, type GraphFunction, type GraphTensor } from './graph.ts';
import { bfloat16Prevails, type Precision } from './precision.ts';
import { boolAttribute } from './proto.ts';
import { withSliceSums } from './slice-sums.ts';
import { createTrace } from './trace.ts';

/** Islands by the text of their graphs: equal ones are one function, compiled once, kept for the process. */
const islands = new Map<string, GraphFunction>();

const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/**
 * The island that computes `fn` in float32 on tensors like `given`. Where bfloat16 prevails among them, results at least
 * as large as the largest bfloat16 one leave in bfloat16; smaller ones (statistics, sums) stay float32.
 */
export function getIsland(
  backend: TensorFlowBackend,
  precision: Precision,
  fn: (...tensors: tf.Tensor[]) => tf.Tensor | tf.Tensor[],
  given: readonly GraphTensor[],
): GraphFunction {
  const graph = createGraph(backend.eager.native);
  const trace = createTrace(backend.eager, 'float32', graph);
  const low = precision === 'bfloat16' && bfloat16Prevails(given);
  const largest = Math.max(
    0,
    ...given.filter(({ dtype }) => dtype === DType.bfloat16).map(({ shape }) => size(shape)),
  );
  try {
    const inputs = given.map(({ dtype, shape }) => graph.placeholder(dtype, shape));
    let outputs: GraphTensor[] = [];
    backend.recordInside(trace.binding, () =>
      tf.tidy(() => {
        const wide = inputs.map((input) =>
          backend.createOutputTensor(trace.register(trace.caster.to(input, DType.float32))),
        );
        const results = withSliceSums(() => [fn(...wide)].flat());
        outputs = results.map((result) => {
          const made = trace.tensor(backend.getInputTensorIds([result])[0] as number);
          return low && size(made.shape) >= largest ? trace.caster.to(made, DType.bfloat16) : made;
        });
      }),
    );
    const key = graph.text() + outputs.map(({ dtype, shape }) => `${dtype}[${shape}]`);
    const known = islands.get(key);
    if (known) return known;
    const name = `island_${islands.size}`;
    const pointer = graph.toFunction(name, inputs, outputs, { _XlaMustCompile: boolAttribute(true) });
    const made = { name, pointer, shapes: outputs.map(({ shape }) => shape) };
    islands.set(key, made);
    return made;
  } finally {
    graph.dispose();
  }
}
