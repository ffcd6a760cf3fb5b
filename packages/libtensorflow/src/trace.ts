/** A recording binding: kernels that run against it add operations to a graph instead of executing them. */
import type { KernelBinding, OpAttribute, TensorMetadata } from '../kernels/bundle.js';
import { DType } from './c-api.ts';
import { type EagerBinding, tensorBytes } from './eager.ts';
import { attribute, createGraph, type Graph, type GraphTensor } from './graph.ts';
import { bfloat16Inputs, type Caster, createCaster, type Precision } from './precision.ts';

/** Ids of graph tensors start here, far above those of eager tensors. */
const FIRST_ID = 2 ** 40;

let nextId = FIRST_ID;

/** Tensors made outside a traced function become constants of the graph up to this many bytes. */
const MAX_CAPTURED_BYTES: number = 64 * 1024;

/** A graph being traced, and the correspondence between tfjs tensors and graph tensors. */
export interface Trace {
  readonly graph: Graph;
  readonly caster: Caster;
  readonly precision: Precision;
  readonly binding: KernelBinding;
  /** The graph tensor under a tfjs id. */
  tensor(id: number): GraphTensor;
  /** Registers a graph tensor under an id, with the description for tfjs. */
  register(tensor: GraphTensor): TensorMetadata;
  /** The line of user code that emitted the named operation. */
  origin(operation: string): string | undefined;
}

const INTERNAL = /node_modules|libtensorflow[\\/](src|dist|kernels)|node:internal|\(native\)|<anonymous>$/;

/** The first frame of a stack that is neither TensorFlow.js nor this package. */
function userFrame(error: Error): string | undefined {
  const frames = (error.stack ?? '').split('\n').slice(1);
  return frames.find((frame) => !INTERNAL.test(frame))?.trim();
}

function at(error: Error): string {
  const frame = userFrame(error);
  return frame ? ` (${frame})` : '';
}

/** tfjs has no bfloat16; those tensors appear as float32. */
const visible = (dtype: number): number => (dtype === DType.bfloat16 ? DType.float32 : dtype);

/** Rank-2 products go to MatMul, which fuses with a bias; BatchMatMulV2 does not. */
function lower(
  op: string,
  inputs: readonly GraphTensor[],
  attributes: readonly OpAttribute[],
): [string, readonly OpAttribute[]] {
  if (op !== 'BatchMatMulV2' || inputs.some(({ shape }) => shape.length !== 2)) return [op, attributes];
  const flag = (name: string): boolean => Boolean(attributes.find((a) => a.name === name)?.value);
  return [
    'MatMul',
    [attribute.bool('transpose_a', flag('adj_x')), attribute.bool('transpose_b', flag('adj_y'))],
  ];
}

/**
 * Starts a trace into `graph` over `eager`, whose tensors it may capture.
 * @throws Error, while tracing, where a value is read on the host or a tensor of another trace or a large constant is used
 */
export function createTrace(
  eager: EagerBinding,
  precision: Precision,
  graph: Graph = createGraph(eager.native),
): Trace {
  const caster = createCaster(graph);
  const tensors = new Map<number, GraphTensor>();
  const captured = new Map<number, GraphTensor>();
  const origins = new Map<string, Error>();

  const capture = (id: number): GraphTensor => {
    const known = captured.get(id);
    if (known) return known;
    const [copy] = eager.executeOp('Identity', [], [id], 1);
    const { shape, dtype, id: copyId } = copy as TensorMetadata;
    const values = eager.tensorDataSync(copyId);
    eager.deleteTensor(copyId);
    if (values.byteLength > MAX_CAPTURED_BYTES) {
      throw new Error(
        `a tensor of shape [${shape}] (${values.byteLength} bytes) made outside the compiled function is used inside it and would be frozen as a constant; constants end at ${MAX_CAPTURED_BYTES} bytes: pass it as an input or as state${at(new Error())}`,
      );
    }
    const count = shape.reduce((a, b) => a * b, 1);
    const made = graph.constant(shape, dtype, tensorBytes(dtype, count, values));
    captured.set(id, made);
    return made;
  };

  const trace: Trace = {
    graph,
    caster,
    precision,
    tensor(id) {
      if (id < FIRST_ID) return capture(id);
      const tensor = tensors.get(id);
      if (!tensor) {
        throw new Error(
          `a tensor made inside another compiled function, or outside a fused part, was used here; return it from that function or pass it as an input${at(new Error())}`,
        );
      }
      return tensor;
    },
    register(tensor) {
      const id = nextId++;
      tensors.set(id, tensor);
      return { id, dtype: visible(tensor.dtype), shape: [...tensor.shape] };
    },
    origin: (operation) => {
      const error = origins.get(operation);
      return error && userFrame(error);
    },
    binding: Object.assign(Object.create(eager) as KernelBinding, {
      createTensor(shape: number[], dtype: number, values: ArrayBufferView | readonly number[]): number {
        const count = shape.reduce((a, b) => a * b, 1);
        return trace.register(graph.constant(shape, dtype, tensorBytes(dtype, count, values))).id;
      },
      deleteTensor(id: number): void {
        if (id >= FIRST_ID) tensors.delete(id);
        else eager.deleteTensor(id);
      },
      tensorDataSync(id: number): ArrayBufferView {
        if (id < FIRST_ID) return eager.tensorDataSync(id);
        const op = tensors.get(id)?.op ?? 'a tensor';
        throw new Error(
          `the result of ${op} was read on the host inside a compiled function, where nothing has a value yet; return it and read it after the call${at(new Error())}`,
        );
      },
      executeOp(name: string, attributes: readonly OpAttribute[], ids: readonly number[]): TensorMetadata[] {
        const given = ids.map((id) => trace.tensor(id));
        const [op, kept] = lower(name, given, attributes);
        const inputs = precision === 'bfloat16' ? bfloat16Inputs(caster, op, given) : given;
        const origin = new Error(op);
        try {
          const outputs = graph.emit(op, inputs, kept);
          origins.set(`${op}_${graph.size() - 1}`, origin);
          return outputs.map((output) => trace.register(output));
        } catch (error) {
          throw new Error(`${error instanceof Error ? error.message : error}${at(origin)}`, { cause: error });
        }
      },
    }),
  };
  return trace;
}
