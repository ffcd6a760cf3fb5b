/** Refusal of outputs that cannot be written, or that are there already. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { userError } from '@ahpa/messages';

/** File names of other formats, which are read or not known at all. */
const OTHER_FILES = /\.(pt|pth|ckpt|bin|pkl|pickle|npz|npy|h5|hdf5|onnx|gguf|msgpack)$/i;

/** Refuses the name of a file of another format, which would become a folder of that name. @throws for such a name. */
export function assertWritable(output: string, forms: readonly string[]): void {
  if (!OTHER_FILES.test(output)) return;
  throw userError(
    `${output} cannot be written: weights are written as a file that ends in .safetensors (repa, sit, dit), or as a folder (${forms.filter((form) => !FILES.has(form)).join(', ')}); torch.save({'ema': safetensors.torch.load_file(path)}, 'x.pt') makes the file that REPA's generate.py opens.`,
  );
}

const FILES: ReadonlySet<string> = new Set(['repa', 'sit', 'dit']);

/** Refuses an output that exists, unless `force`; an empty folder is free. @throws where there is one, or one of the other kind. */
export function assertFree(output: string, kind: 'file' | 'folder', force = false): void {
  if (!existsSync(output)) return;
  const isFolder = statSync(output).isDirectory();
  if (isFolder !== (kind === 'folder')) {
    throw userError(
      `${output} is a ${isFolder ? 'folder' : 'file'}, and the output a ${kind}: name another output.`,
    );
  }
  if (force || (isFolder && readdirSync(output).length === 0)) return;
  throw userError(`${output} exists already: name another output, or replace it with --force.`);
}
