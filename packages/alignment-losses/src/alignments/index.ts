/** Every built-in alignment, by its kind. */
export { ahpa } from './ahpa.ts';
export { haste } from './haste.ts';
export { irepa } from './irepa.ts';
export { none } from './none.ts';
export { repa } from './repa.ts';
export { sra } from './sra.ts';
export { sra2 } from './sra2.ts';
