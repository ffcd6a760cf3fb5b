import { base } from '../../tsdown.base.ts';

// Types of options are inferred from their schemas, which oxc's declarations cannot do.
export default {
  ...base,
  entry: ['src/index.ts', 'src/options.ts'],
  platform: 'node',
  dts: { oxc: false, build: true },
};
