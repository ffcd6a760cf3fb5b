import { defineConfig, type UserConfig } from 'tsdown';

/** The build that every published package shares: ES modules, declarations, source maps. */
export const base: UserConfig = defineConfig({
  entry: ['src/index.ts'],
  format: 'esm',
  platform: 'neutral',
  dts: { oxc: true },
  sourcemap: true,
  fixedExtension: false,
}) as UserConfig;
