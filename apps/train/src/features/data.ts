/** What data of a run are, whatever kind: sizes and classes before a VAE is there, and examples once it is. */

import type { Model } from '@ahpa/engine';
import { splitByName } from '@ahpa/image-data';
import { type Reporter, userError } from '@ahpa/messages';
import type { VaeFiles, VaeTree } from '../vae/load.ts';
import type { BatchShape } from './batch.ts';
import { chosenExamples, type Examples } from './examples.ts';
import { type FeatureRequest, groupShapes, latentShape } from './request.ts';
import type { Teacher } from './teacher.ts';

/** What examples are made with. */
export interface FeatureContext {
  readonly files: VaeFiles;
  readonly vae: Model<VaeTree>;
  readonly request: FeatureRequest;
  /** Features of a frozen encoder, which are the targets where they are given; caches only. */
  readonly teacher?: Teacher;
  readonly reporter: Reporter;
}

/** Examples to train on and examples that are never trained on, made when they are first asked for. */
export interface Sides {
  readonly train: Examples;
  heldOut(): Promise<Examples>;
  dispose(): void;
}

/** Opened data. */
export interface Data {
  /** Side of the images in pixels. */
  readonly size: number;
  /** Name of every class, by index. */
  readonly classes: readonly string[];
  examples(context: FeatureContext): Promise<Sides>;
  close(): Promise<void>;
}

/** The shape of the batches that a context wants. */
export function batchShape({ files, request }: FeatureContext): BatchShape {
  const groups = groupShapes(files.config, request).map((group) => ({ ...group, tokens: request.grid ** 2 }));
  return { latent: latentShape(files.config, request.size), groups };
}

/** Cuts a share off examples, chosen by their names: a name is on the same side whatever stands beside it. */
export function cutByName(all: Examples, names: readonly string[], holdOut: number): Omit<Sides, 'dispose'> {
  const rows = splitByName(names, holdOut);
  return {
    train: holdOut === 0 ? all : chosenExamples(all, rows.train),
    heldOut: async () => {
      if (holdOut > 0) return chosenExamples(all, rows.heldOut);
      throw userError(
        'No images are held out: set data.holdOut to a share, or data.heldOut where the data have such a part.',
      );
    },
  };
}

/** A promise that is made once. */
export function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
