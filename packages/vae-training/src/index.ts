/** Training of a small image autoencoder for latent diffusion. */
export {
  evaluateVae,
  type ImagePairs,
  pairWithReconstruction,
  reconstructor,
  type VaeQuality,
} from './evaluate.ts';
export { exportVae } from './export.ts';
export { imageBatch } from './images.ts';
export { EMOJI_VAE, VAE_DATA, vaeTrainConfig } from './recipe.ts';
export { initVaeState, type VaeTrainConfig, type VaeTrainState, vaeTrainStep } from './step.ts';
export { type TrainVaeOptions, trainVae } from './train.ts';
