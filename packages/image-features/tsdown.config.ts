import { base, inferred } from '../../tsdown.base.ts';

export default {
  ...base,
  entry: ['src/index.ts', 'src/options.ts'],
  platform: 'node',
  dts: inferred,
};
