/** Labelled images from folders, archives and Parquet files, decoded and cropped as in ADM and REPA. */
export { IMAGE, treeImages } from './class-folders.ts';
export { centerCrop } from './crop.ts';
export { DECODING, type Decoded, type DecodedPixels, decodeImage, decodePixels } from './decode.ts';
export { createDecoder, type Decoder } from './decoder.ts';
export { describeSource } from './describe-source.ts';
export { openFolder } from './folder.ts';
export { type ImageSource, imageList, orderHash } from './image-source.ts';
export { fileNumber, type LabelList } from './labels.ts';
export { countLeftOut, type LeftOut } from './left-out.ts';
export { type OpenOptions, openImages } from './open.ts';
export { countRemarks, describeRemarks, type Remark } from './remarks.ts';
export { FILTERS, type Pixels, resample } from './resample.ts';
export { hashFraction, type Split, splitByName } from './split.ts';
export { openTar } from './tar.ts';
export { type TarEntry, type TarSource, tarEntries } from './tar-index.ts';
export { toBytes } from './to-bytes.ts';
export { type FileTree, subtree } from './tree.ts';
export { openZip } from './zip.ts';
