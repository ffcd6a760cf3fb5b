/** A session over a graph, for op-by-op times, which the eager context lacks. */
import { PbfReader, PbfWriter } from 'pbf';
import type { GraphTensor } from './graph.ts';
import { readBytes } from './memory.ts';
import type { Native } from './native.ts';

/** All executions of one kind of op in a run. */
export interface OpTime {
  /** TensorFlow's name of the op as executed, after its own fusions (`_FusedMatMul`, ...). */
  readonly op: string;
  readonly calls: number;
  /** Thread time. */
  readonly milliseconds: number;
}

/** A value for a placeholder: a TFE tensor handle. */
export interface Feed {
  readonly output: GraphTensor;
  readonly handle: number;
}

/** Targets of a run: values, which are discarded, and operations without values. */
export interface Targets {
  readonly fetches?: readonly GraphTensor[];
  readonly operations?: readonly GraphTensor[];
}

/** A session; `close` frees it. */
export interface Session {
  run(feeds: readonly Feed[], targets: Targets): void;
  /** Runs and returns the thread time of each kind of op, longest first. */
  time(feeds: readonly Feed[], targets: Targets): OpTime[];
  close(): void;
}

const FULL_TRACE = 3;

/** config.proto: RunOptions.trace_level = 1. */
function timedRun(): Uint8Array {
  const pbf = new PbfWriter();
  pbf.writeVarintField(1, FULL_TRACE);
  return pbf.finish();
}

/** Calls `visit` for each sub-message of field `field`. */
function each(field: number, pbf: PbfReader, visit: (pbf: PbfReader) => void): void {
  pbf.readMessage((tag, _, reader) => {
    if (tag === field) visit(reader);
  }, null);
}

/** step_stats.proto: RunMetadata.step_stats 1 . dev_stats 1 . node_stats 2 { op_start 3, op_end 4, timeline_label 8 }. */
function readOpTimes(bytes: Uint8Array): OpTime[] {
  const totals = new Map<string, { calls: number; milliseconds: number }>();
  const node = (pbf: PbfReader): void => {
    const stats = { start: 0, end: 0, label: '' };
    pbf.readMessage((tag, found, reader) => {
      if (tag === 3) found.start = reader.readVarint();
      if (tag === 4) found.end = reader.readVarint();
      if (tag === 8) found.label = reader.readString();
    }, stats);
    const op = /= (\w+)\(/.exec(stats.label)?.[1] ?? 'other';
    const { calls, milliseconds } = totals.get(op) ?? { calls: 0, milliseconds: 0 };
    totals.set(op, { calls: calls + 1, milliseconds: milliseconds + (stats.end - stats.start) / 1000 });
  };
  new PbfReader(bytes).readFields((tag, _, pbf) => {
    if (tag === 1) each(1, pbf, (device) => each(2, device, node));
  }, null);
  return [...totals].map(([op, total]) => ({ op, ...total })).sort((a, b) => b.milliseconds - a.milliseconds);
}

/** Opens a session on `graph` (a TF_Graph). */
export function openSession({ api }: Native, graph: number): Session {
  const options = api.TF_NewSessionOptions() as number;
  const session = api.TF_NewSession(graph, options, api.status) as number;
  api.TF_DeleteSessionOptions(options);
  api.check('opening a session');
  const run = (
    feeds: readonly Feed[],
    { fetches = [], operations = [] }: Targets,
    runOptions: number,
    metadata: number,
  ): void => {
    const values = BigUint64Array.from(feeds, ({ handle }) =>
      BigInt(api.TFE_TensorHandleResolve(handle, api.status) as number),
    );
    const results = new BigUint64Array(fetches.length);
    const targets = BigUint64Array.from(operations, ({ oper }) => BigInt(oper));
    const inputs = feeds.map(({ output }) => output);
    api.TF_SessionRun(
      session,
      runOptions,
      inputs,
      values,
      feeds.length,
      fetches,
      results,
      fetches.length,
      targets,
      targets.length,
      metadata,
      api.status,
    );
    for (const value of values) api.TF_DeleteTensor(Number(value));
    api.check('running a session');
    for (const result of results) api.TF_DeleteTensor(Number(result));
  };
  return {
    run: (feeds, targets) => run(feeds, targets, 0, 0),
    time(feeds, targets) {
      const proto = timedRun();
      const runOptions = api.TF_NewBufferFromString(proto, proto.length) as number;
      const metadata = api.TF_NewBuffer() as number;
      try {
        run(feeds, targets, runOptions, metadata);
        const { data, length } = api.TF_GetBuffer(metadata) as { data: number; length: number };
        return readOpTimes(readBytes(data, Number(length)));
      } finally {
        api.TF_DeleteBuffer(metadata);
        api.TF_DeleteBuffer(runOptions);
      }
    },
    close() {
      api.TF_CloseSession(session, api.status);
      api.TF_DeleteSession(session, api.status);
    },
  };
}
