/** Bundled at build time: the JavaScript kernels of @tensorflow/tfjs-node-gpu (Apache-2.0) and tfjs-core's gradients. */
import '@tensorflow/tfjs-core/dist/register_all_gradients.js';
import '@tensorflow/tfjs-node-gpu/dist/register_all_kernels.js';

export { NodeJSKernelBackend } from '@tensorflow/tfjs-node-gpu/dist/nodejs_kernel_backend.js';
