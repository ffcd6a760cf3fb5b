import { base } from '../../tsdown.base.ts';

export default { ...base, entry: ['src/index.ts', 'src/setup.ts', 'src/main.ts'], platform: 'node' };
