/** Checkpoints of SiT, DiT, REPA and diffusers as files: opened, recognised, inspected and converted. */
export { type Converted, type ConvertRequest, FORMS, type Form, type OwnFormat } from './conversion.ts';
export { convertModelFile } from './convert-model-file.ts';
export { diffusersFolder } from './diffusers-folder.ts';
export {
  type FilePart,
  readPart,
  readTraining,
  type TrainingParts,
  tensorNames,
  torchParts,
} from './file-parts.ts';
export {
  type InspectOptions,
  inspectModelFile,
  type OwnFolder,
  type ReadOwnFolder,
} from './inspect-model-file.ts';
export type { Inspection } from './inspection.ts';
export { type KnownSizes, toNetwork } from './known-sizes.ts';
export { type OpenedModel, type OpenOptions, openModelFile, openWeights } from './open-model-file.ts';
export { positionTensor } from './positions.ts';
export { type Projectors, publishedProjectors } from './projectors.ts';
export { isFamily, type Recognised, recognise } from './recognise.ts';
