/** Events as protocol-buffer messages, by field number of tensorflow/core/util/event.proto and framework/summary.proto. */
import { PbfWriter } from 'pbf';
import type { Histogram } from './histogram.ts';

/** A PNG, and its size in pixels. */
export interface PngImage {
  readonly width: number;
  readonly height: number;
  readonly png: Uint8Array;
}

/** One value of a summary. */
export type Value =
  | { readonly tag: string; readonly scalar: number }
  | { readonly tag: string; readonly histogram: Histogram }
  | { readonly tag: string; readonly image: PngImage };

const RGB = 3;
const SESSION_START = 1;

function event(step: number, rest: (pbf: PbfWriter) => void): Uint8Array {
  const pbf = new PbfWriter();
  pbf.writeDoubleField(1, Date.now() / 1000);
  pbf.writeVarintField(2, step);
  rest(pbf);
  return pbf.finish();
}

/** The first event of a file. */
export const versionEvent = (): Uint8Array => event(0, (pbf) => pbf.writeStringField(3, 'brain.Event:2'));

/** Start of a session after `step`: readers drop later steps of earlier sessions. */
export const startEvent = (step: number): Uint8Array =>
  event(step, (pbf) => pbf.writeMessage(7, (_, log) => log.writeVarintField(1, SESSION_START), null));

/** Values of one step. */
export const summaryEvent = (step: number, values: readonly Value[]): Uint8Array =>
  event(step, (pbf) => {
    pbf.writeMessage(
      5,
      (_, summary) => {
        for (const value of values) summary.writeMessage(1, writeValue, value);
      },
      null,
    );
  });

function writeValue(value: Value, pbf: PbfWriter): void {
  pbf.writeStringField(1, value.tag);
  if ('scalar' in value) pbf.writeFloatField(2, value.scalar);
  else if ('image' in value) pbf.writeMessage(4, writeImage, value.image);
  else pbf.writeMessage(5, writeHistogram, value.histogram);
}

function writeImage({ width, height, png }: PngImage, pbf: PbfWriter): void {
  pbf.writeVarintField(1, height);
  pbf.writeVarintField(2, width);
  pbf.writeVarintField(3, RGB);
  pbf.writeBytesField(4, png);
}

function writeHistogram({ min, max, count, sum, squares, limits, counts }: Histogram, pbf: PbfWriter): void {
  for (const [i, value] of [min, max, count, sum, squares].entries()) pbf.writeDoubleField(i + 1, value);
  pbf.writePackedDouble(6, [...limits]);
  pbf.writePackedDouble(7, [...counts]);
}
