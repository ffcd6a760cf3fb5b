/** Fixtures for tests of several packages: a VAE, photographs, and whether TensorFlow's library is there. */
export { missing } from './native.ts';
export { writePhotos } from './photos.ts';
export { TINY_VAE, writeTinyVae } from './tiny-vae.ts';
