/** Models and VAEs of the Hugging Face hub as folders on this machine, in Hugging Face's own cache. */
export { chooseFiles } from './choose-files.ts';
export { localPath } from './local-path.ts';
export { type HubReference, isHub, parseHub } from './reference.ts';
