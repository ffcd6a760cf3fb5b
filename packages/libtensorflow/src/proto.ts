/** The few protocol-buffer messages exchanged with TensorFlow, by field number of its .proto files. */
import { PbfReader, PbfWriter } from 'pbf';

/** One input argument of an op, and the attributes it determines. */
export interface OpArgument {
  typeAttribute: string;
  /** Names the length attribute when the argument is a list of tensors; empty otherwise. */
  numberAttribute: string;
}

function readArgument(pbf: PbfReader): OpArgument {
  return pbf.readMessage<OpArgument>(
    (tag, argument, reader) => {
      if (tag === 4) argument.typeAttribute = reader.readString();
      if (tag === 5) argument.numberAttribute = reader.readString();
    },
    { typeAttribute: '', numberAttribute: '' },
  );
}

/** Reads the input arguments of a serialised OpDef (op_def.proto: input_arg = 2, ArgDef type_attr = 4, number_attr = 5). */
export function readOpArguments(bytes: Uint8Array): OpArgument[] {
  return new PbfReader(bytes).readFields<OpArgument[]>((tag, list, pbf) => {
    if (tag === 2) list.push(readArgument(pbf));
  }, []);
}

/**
 * A ConfigProto that lets grappler optimise the called function: a RewriterConfig switches it on (config.proto: graph_options = 10,
 * GraphOptions rewrite_options = 10). Its arithmetic optimiser is off (RewriterConfig arithmetic_optimization = 7, OFF = 2): it turns chains
 * of additions into AddN, which sums in an order that depends on which operand's memory happens to be free, so that two runs differ.
 */
export function grapplerConfig(): Uint8Array {
  const pbf = new PbfWriter();
  pbf.writeMessage(
    10,
    (_, graphOptions) =>
      graphOptions.writeMessage(10, (_, rewriter) => rewriter.writeVarintField(7, 2), null),
    null,
  );
  return pbf.finish();
}

/** A ConfigProto whose operations use so many threads each (config.proto: intra_op_parallelism_threads = 2). */
export function threadsConfig(threadsPerOp: number): Uint8Array {
  const pbf = new PbfWriter();
  pbf.writeVarintField(2, threadsPerOp);
  return pbf.finish();
}

/** An AttrValue holding a boolean (attr_value.proto: b = 5). */
export function boolAttribute(value: boolean): Uint8Array {
  const pbf = new PbfWriter();
  pbf.writeBooleanField(5, value);
  return pbf.finish();
}
