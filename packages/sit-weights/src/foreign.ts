/** Networks that share SiT's names and compute something else: LightningDiT with its additions, and REPA-E's. */
import type { StateDict } from './tensor.ts';

interface Addition {
  readonly family: string;
  readonly part: string;
  readonly names: RegExp;
}

const ADDITIONS: readonly Addition[] = [
  {
    family: 'LightningDiT',
    part: 'RoPE',
    names: /(^|\.)(\w*rope|rotary\w*)\.|(^|\.)(freqs_(cos|sin|cis)|inv_freq)$/,
  },
  { family: 'LightningDiT', part: 'SwiGLU', names: /\.mlp\.(w12|w[123]|(gate|up|down)_proj)\./ },
  { family: 'REG', part: 'a class token', names: /^(cls_projectors2|final_layer\.linear_cls)\./ },
  { family: 'U-ViT', part: 'skip connections', names: /\.skip_linear\.|^(in|out)_blocks\./ },
  { family: 'REPA-E', part: 'batch normalisation of latents', names: /^bn\./ },
];

const AFFINE = /^(?:blocks\.\d+\.norm\d|final_layer\.norm_final|blocks\.\d+\.attn\.[qk]_norm)\.weight$/;

/** The first tensor of a norm that has a weight and no bias, which LayerNorm has not. */
function findRmsNorm(tensors: StateDict): string | undefined {
  return Object.keys(tensors).find(
    (name) => AFFINE.test(name) && !(name.replace(/weight$/, 'bias') in tensors),
  );
}

/** Parts of the modulation of a block without shift: scale and gate for attention and MLP. */
const PARTS_WITHOUT_SHIFT = 4;

/** The first modulation that has no shift. */
function findUnshifted(tensors: StateDict): string | undefined {
  return Object.entries(tensors).find(([name, { shape }]) => {
    const [rows = 0, width = 0] = shape;
    return /^blocks\.\d+\.adaLN_modulation\.1\.weight$/.test(name) && rows === PARTS_WITHOUT_SHIFT * width;
  })?.[0];
}

/**
 * A sentence on tensors under plain names that belong to another network of SiT's lineage, with its family and their first
 * names; undefined where there are none. Without these tensors the rest would compute something else.
 */
export function describeForeign(tensors: StateDict): string | undefined {
  const [rms, unshifted] = [findRmsNorm(tensors), findUnshifted(tensors)];
  const found = [
    ...ADDITIONS.flatMap(({ family, part, names }) => {
      const first = Object.keys(tensors).find((name) => names.test(name));
      return first === undefined ? [] : [{ family, part, first }];
    }),
    ...(rms === undefined ? [] : [{ family: 'LightningDiT', part: 'RMSNorm', first: rms }]),
    ...(unshifted === undefined
      ? []
      : [{ family: 'LightningDiT', part: 'adaLN without shift', first: unshifted }]),
  ];
  if (found.length === 0) return undefined;
  const families = [...new Set(found.map(({ family }) => family))].join(' and ');
  const parts = found.map(({ part, first }) => `${part} (${first})`).join(', ');
  return `another network, of the family of ${families}, with ${parts}; it is not read, and without these tensors it would compute something else`;
}
