import { base } from '../../tsdown.base.ts';

/** Declarations by TypeScript itself, which infers the options of every kind from their schema. */
export default { ...base, dts: { oxc: false } };
