/** Properties of a network that its tensors do not show, or not always. */
import type { DiTConfig } from '@ahpa/dit-core';
import type { Convention, Known, Network } from '@ahpa/sit-weights';

/** Properties given by the caller where a file leaves them open. */
export interface KnownSizes {
  /** Weight convention: SiT's and DiT's own files have the same names and shapes. */
  readonly from?: Convention;
  /** Attention heads. */
  readonly heads?: number;
  /** Side of the latent in pixels. */
  readonly latentSize?: number;
  /** Number of classes, without the null class: without it a table of 1,000 rows has no null class, and others have one. */
  readonly classes?: number;
}

/** The given properties in the form that `readState` takes. */
export function toKnown({ from, heads, latentSize, classes }: KnownSizes): Known {
  return {
    ...(from && { convention: from }),
    ...(heads && { heads }),
    ...(latentSize && { latentSize }),
    ...(classes && { classes }),
  };
}

/** The network of a configuration, its defaults filled in. */
export function toNetwork<C extends DiTConfig>(config: C): C & Network {
  const { qkNorm = false, learnSigma = false, convention = 'repa' } = config;
  return { ...config, qkNorm, learnSigma, convention };
}

/** What the tensors of a network do not tell, as metadata of a safetensors file. */
export function networkMetadata({
  convention,
  classes,
  hasNullClass,
}: Network): Readonly<Record<string, string>> {
  return { convention, ...(hasNullClass === false && { classes: `${classes}` }) };
}
