/** Every built-in router, by its kind. */
export { fixed } from './fixed.ts';
export { learned } from './learned.ts';
export { measured } from './measured.ts';
export { oneHot } from './one-hot.ts';
export { sigmoid } from './sigmoid.ts';
export { table } from './table.ts';
