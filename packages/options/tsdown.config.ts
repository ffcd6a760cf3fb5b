import { base, inferred } from '../../tsdown.base.ts';

export default { ...base, dts: inferred };
