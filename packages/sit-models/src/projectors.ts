/** Projectors of alignment as REPA's and iREPA's modules hold them, which their strict loading asks for. */
import { fromFloat32, type TensorEntry } from '@ahpa/weight-files';
import { countValues } from './tensor-counts.ts';

type Tensors = Readonly<Record<string, TensorEntry>>;

/** Hidden width of REPA's projectors, unless its SiT is given another `projector_dim`. */
const REPA_HIDDEN = 2048;

/** Projectors in a published form: their output widths, and the hidden width of an MLP. */
export interface Projectors {
  readonly of: 'REPA' | 'iREPA';
  readonly widths: readonly number[];
  readonly hidden?: number;
}

/** Names and shapes of REPA's projectors: MLPs of three layers. */
function repaShapes(
  hiddenSize: number,
  hidden: number,
  widths: readonly number[],
): Map<string, readonly number[]> {
  const layers = (i: number, out: number): [string, readonly number[]][] =>
    (
      [
        [0, hidden, hiddenSize],
        [2, hidden, hidden],
        [4, out, hidden],
      ] as const
    ).flatMap(([place, rows, columns]) => [
      [`projectors.${i}.${place}.weight`, [rows, columns]],
      [`projectors.${i}.${place}.bias`, [rows]],
    ]);
  return new Map(widths.flatMap((out, i) => layers(i, out)));
}

/** Names and shapes of iREPA's projectors: one convolution each. */
function irepaShapes(
  hiddenSize: number,
  kernel: number,
  widths: readonly number[],
): Map<string, readonly number[]> {
  return new Map(
    widths.flatMap((out, i): [string, readonly number[]][] => [
      [`projectors.${i}.projection_layer.weight`, [out, hiddenSize, kernel, kernel]],
      [`projectors.${i}.projection_layer.bias`, [out]],
    ]),
  );
}

function rowsOf(heads: Tensors, last: string): number[] {
  const widths: number[] = [];
  for (;;) {
    const rows = heads[`projectors.${widths.length}.${last}.bias`]?.shape[0];
    if (rows === undefined) return widths;
    widths.push(rows);
  }
}

function fits(heads: Tensors, shapes: ReadonlyMap<string, readonly number[]>): boolean {
  const names = Object.keys(heads);
  if (names.length === 0 || names.length !== shapes.size) return false;
  return names.every((name) => shapes.get(name)?.join() === heads[name]?.shape.join());
}

/** The published form that all heads together have; undefined where there are none, or of another form. */
export function publishedProjectors(heads: Tensors, hiddenSize: number): Projectors | undefined {
  const hidden = heads['projectors.0.0.bias']?.shape[0] ?? 0;
  const mlps = rowsOf(heads, '4');
  if (fits(heads, repaShapes(hiddenSize, hidden, mlps))) return { of: 'REPA', widths: mlps, hidden };
  const kernel = heads['projectors.0.projection_layer.weight']?.shape[3] ?? 0;
  const convolutions = rowsOf(heads, 'projection_layer');
  if (fits(heads, irepaShapes(hiddenSize, kernel, convolutions)))
    return { of: 'iREPA', widths: convolutions };
  return undefined;
}

/** REPA's projectors of zeros onto the output `widths`: sampling does not read them, its strict loading asks for them. */
export function zeroProjectors(
  widths: readonly number[],
  hiddenSize: number,
): Readonly<Record<string, TensorEntry>> {
  const shapes = [...repaShapes(hiddenSize, REPA_HIDDEN, widths)];
  return Object.fromEntries(
    shapes.map(([name, shape]) => [name, fromFloat32(new Float32Array(countValues(shape)), shape, 'F32')]),
  );
}

/** A sentence on loading a file of REPA's form into the published code. */
export function loadingNote(heads: Tensors, hiddenSize: number): string {
  const found = publishedProjectors(heads, hiddenSize);
  if (found === undefined) {
    const what = Object.keys(heads).length === 0 ? 'no projectors' : "heads that are not REPA's projectors";
    return `It holds ${what}, and REPA's generate.py builds projectors and loads strictly: --projectors zero:768 writes such of zeros (--projector-embed-dims 768 there).`;
  }
  const widths = found.widths.join(',');
  if (found.of === 'iREPA')
    return `Its projectors are iREPA's, for --projector-embed-dims ${widths} there; REPA's generate.py wants its own (--projectors zero:768).`;
  const own = found.hidden === REPA_HIDDEN ? '' : `, with projector_dim=${found.hidden} in its SiT`;
  return `REPA's generate.py loads it with --projector-embed-dims ${widths}${own}.`;
}
