import { base } from '../../tsdown.base.ts';

export default { ...base, entry: ['src/main.ts'], platform: 'node', fixedExtension: true, dts: false };
