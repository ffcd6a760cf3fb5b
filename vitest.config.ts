import { defineConfig } from 'vitest/config';

const shared = {
  resolve: { conditions: ['@ahpa/source'] },
  ssr: { resolve: { conditions: ['@ahpa/source'] } },
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
