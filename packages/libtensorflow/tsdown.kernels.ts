import { fileURLToPath } from 'node:url';
import { defineConfig } from 'tsdown';

const here = (file: string): string => fileURLToPath(new URL(`./kernels/${file}`, import.meta.url));

/** Modules that the kernels and gradients import but never use, or that tfjs-core itself provides. */
const unused = /^node-fetch$|\/platform_node$|\/proto\/api_pb$/;

/** Bundles the kernels so that nobody has to install @tensorflow/tfjs-node-gpu, whose install script fails. */
export default defineConfig({
  entry: { bundle: 'kernels/entry.js' },
  outDir: 'kernels',
  clean: false,
  format: 'esm',
  platform: 'node',
  dts: false,
  fixedExtension: false,
  deps: {
    neverBundle: ['@tensorflow/tfjs-core'],
    alwaysBundle: [/tfjs-node-gpu/, /tfjs-core\/dist\/register/],
    onlyBundle: false,
  },
  inputOptions: { resolve: { alias: { util: here('util-shim.js') } } },
  plugins: [
    {
      name: 'one-tfjs-core',
      resolveId(source: string) {
        if (source === '@tensorflow/tfjs') return { id: '@tensorflow/tfjs-core', external: true };
        return unused.test(source) ? here('empty.js') : null;
      },
    },
  ],
});
