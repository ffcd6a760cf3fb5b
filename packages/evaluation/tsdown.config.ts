import { base } from '../../tsdown.base.ts';

export default { ...base, entry: { index: 'src/index.ts', node: 'src/node/index.ts' }, platform: 'node' };
