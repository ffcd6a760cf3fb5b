/**
 * Exports a trained model as a folder that others can use and publish.
 * model -> weights and config.json -> VAE, copied or named -> sample grid -> LICENSE -> model card; then the folder gets its name.
 */
import { existsSync, readdirSync } from 'node:fs';
import { copyFile, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { readVae } from '@ahpa/image-features';
import { type Reporter, userError } from '@ahpa/messages';
import { vaeConfigJson } from '@ahpa/vae-hierarchy';
import { writeSafetensors } from '@ahpa/weight-files';
import type { VaeChoice } from '../config/types.ts';
import { type LoadOptions, loadModel } from '../models/load-model.ts';
import { writeModelFolder } from '../models/model-folder.ts';
import { countCost, type ModelCost } from './cost.ts';
import { collectFacts } from './facts.ts';
import { licenceFile, statedRights } from './licence.ts';
import { modelCard } from './model-card.ts';

/** Model, folder, licence and cards of an export. */
export interface ExportOptions extends LoadOptions {
  /** Name of a run, or path of a run, a checkpoint or an exported folder. */
  readonly model: string;
  /** VAE to name or copy in place of the run's. */
  readonly vae?: string;
  /** SPDX identifier of the weights' licence. */
  readonly license?: string;
  /** Training data, in a sentence. */
  readonly data?: string;
  /** Name of the model in its card. */
  readonly title?: string;
  /** Cards of `ahpa evaluate` to repeat. */
  readonly card?: readonly string[];
}

/** Result of an export. */
export interface ExportResult {
  readonly folder: string;
  readonly source: string;
  readonly files: readonly string[];
  readonly cost: ModelCost;
}

/** Writes the folder, whole or not at all. */
export async function exportToHub(
  folder: string,
  options: ExportOptions,
  reporter: Reporter,
): Promise<ExportResult> {
  if (existsSync(folder) && readdirSync(folder).length > 0) {
    throw userError(`${folder} is not empty: choose another folder, or empty this one.`);
  }
  const model = await loadModel(options.model, options, reporter);
  const rights = statedRights(options, model.config);
  const facts = await collectFacts(model, options.card ?? []);
  const cost = countCost(model);
  const partial = join(dirname(resolve(folder)), `.${basename(resolve(folder))}.${process.pid}.partial`);
  await mkdir(partial, { recursive: true });
  try {
    const vae = await exportVae(
      partial,
      options.vae === undefined ? model.vae : { kind: 'file', path: options.vae },
      reporter,
    );
    await writeModelFolder(partial, model, vae);
    if (facts.samples !== undefined) await copyFile(facts.samples, join(partial, 'samples.png'));
    await writeFile(join(partial, 'LICENSE'), licenceFile(rights, vae));
    const title = options.title ?? basename(resolve(folder));
    await writeFile(join(partial, 'README.md'), modelCard({ title, model, vae, rights, facts, cost }));
    await rm(folder, { recursive: true, force: true });
    await rename(partial, folder);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
  return { folder, source: model.source, files: readdirSync(folder).sort(), cost };
}

/** Copies a VAE that lies on this machine into the folder; one of the hub is named, as is. */
async function exportVae(folder: string, choice: VaeChoice, reporter: Reporter): Promise<VaeChoice> {
  if (choice.kind === 'file' && choice.path.startsWith('hf:')) return choice;
  const { config, tensors } = await readVae(choice, reporter);
  await mkdir(join(folder, 'vae'));
  await writeFile(join(folder, 'vae/config.json'), `${JSON.stringify(vaeConfigJson(config), null, 2)}\n`);
  await writeSafetensors(join(folder, 'vae/diffusion_pytorch_model.safetensors'), tensors, { format: 'pt' });
  return { kind: 'file', path: 'vae' };
}
