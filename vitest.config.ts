import { defineConfig } from 'vitest/config';

const shared = {
  resolve: { conditions: ['@ahpa/source'] },
  ssr: { resolve: { conditions: ['@ahpa/source'] } },
};

/** Tests of the packages that promise every backend; `unit` runs them on plain JavaScript. */
const portable = {
  include: [
    'packages/{ops,dit-core,vae-hierarchy,alignment-losses,dynamic-router,trainer,evaluation}/test/*.test.ts',
  ],
  exclude: ['**/*.native.test.ts'],
  testTimeout: 60_000,
  hookTimeout: 60_000,
};

export default defineConfig({
  test: {
    reporters: ['default', './scripts/count-reporter.mjs'],
    projects: [
      {
        ...shared,
        test: {
          name: 'unit',
          include: ['{packages,apps,tooling}/*/test/**/*.test.ts', '{scripts,examples}/test/**/*.test.mjs'],
          exclude: ['**/*.native.test.{ts,mjs}', '**/node_modules/**'],
          setupFiles: ['@ahpa/test-utils/setup'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        ...shared,
        test: { ...portable, name: 'wasm', setupFiles: ['@ahpa/test-utils/setup', '@ahpa/test-utils/wasm'] },
      },
      {
        ...shared,
        test: {
          ...portable,
          name: 'tensorflow',
          exclude: [...portable.exclude, '**/kernel.test.ts'], // of backends without kernels of their own
          setupFiles: ['@ahpa/test-utils/setup', '@ahpa/test-fixtures/tensorflow'],
          pool: 'forks',
          fileParallelism: false,
          env: { TF_CPP_MIN_LOG_LEVEL: '2' },
        },
      },
      {
        ...shared,
        test: {
          name: 'native',
          include: ['{packages,apps}/*/test/**/*.native.test.ts', 'examples/test/**/*.native.test.mjs'],
          pool: 'forks',
          fileParallelism: false,
          testTimeout: 300_000,
          env: { TF_CPP_MIN_LOG_LEVEL: '2' },
        },
      },
    ],
  },
});
