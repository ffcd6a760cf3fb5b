/** The Frechet distance of two folders of images, with its card: Inception gives FID, SqueezeNet a distance named `sqz-fd`. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createEngine } from '@ahpa/engine';
import * as evaluation from '@ahpa/evaluation/node';

const { values, positionals } = parseArgs({
  options: {
    inception: { type: 'string' }, // classify_image_graph_def.pb, or weights in PyTorch's layout
    backend: { type: 'string', default: 'tensorflow' },
  },
  allowPositionals: true,
});
const [samples, reference] = positionals;
if (reference === undefined) throw new Error('wanted two folders: fid.mjs SAMPLES REFERENCE');

const cacheDir = process.env.AHPA_CACHE ?? join(homedir(), '.cache', 'ahpa');
const engine = await createEngine({ backend: values.backend });
const network = await evaluation.openFeatureNetwork(
  { cacheDir, ...(values.inception && { inception: values.inception }) },
  engine,
);
const algebra = await evaluation.activeAlgebra();
const statistics = await evaluation.openReference(reference, network, algebra);
const evaluator = { network, algebra, reference: evaluation.factorReference(statistics, algebra) };
const source = await evaluation.openPixels(samples);
const command = `fid.mjs ${samples} ${reference}`;
const { card } = await evaluation.evaluateSamples({ source, drawing: null }, evaluator, { command });
console.log(evaluation.showCard(card));
await source.close();
network.dispose();
