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

/**
 * Declarations by TypeScript itself, for packages whose option types are inferred from their schemas. Types of other packages come from
 * their builds: the sources, and the output of project references, which a fresh checkout lacks, are for the type check.
 */
export const inferred: UserConfig['dts'] = {
  oxc: false,
  compilerOptions: { customConditions: [] },
  tsconfigRaw: { references: [] },
};
