/** TensorBoard event files from Node: scalars, histograms and images. */
export type { PngImage, Value } from './event.ts';
export { computeHistogram, type Histogram } from './histogram.ts';
export { encodeRecord, maskedCrc } from './record.ts';
export { createEventFile, type EventWriter } from './writer.ts';
