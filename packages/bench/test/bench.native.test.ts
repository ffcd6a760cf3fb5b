import { useTensorFlow } from '@ahpa/libtensorflow';
import { missing } from '@ahpa/test-fixtures';
import { beforeAll, describe, expect, it } from 'vitest';
import { encodeFlops } from '../src/encode-spec.ts';
import { encodeWork } from '../src/encode-work.ts';
import { stepFlops, stepSpec } from '../src/step-spec.ts';

describe('arithmetic of a benchmark', () => {
  it("counts an encoder as PyTorch's flop counter does", () => {
    const count = (vae: 'sd-vae' | 'taef2', size: number): number =>
      encodeFlops({ work: 'encode', vae, size, batch: 2, precision: 'f32', threads: 1 }) / 4e9;
    // FlopCounterMode gives 135.29 and 15.31 GMAC at 256 px without the attention's products and TAEF2's branches.
    const attention = (2 * 512 * 1024 ** 2) / 1e9;
    expect(count('sd-vae', 256) - attention).toBeCloseTo(135.29, 2);
    const branches = (3 * 1024 * 2 * 4 * 64 ** 2) / 1e9;
    expect(count('taef2', 256) - branches).toBeCloseTo(15.31, 2);
  });

  it('counts heads of 2048 as 1.75 times a step without alignment', () => {
    const flops = (align: 'ahpa' | 'none'): number =>
      stepFlops(
        stepSpec({ model: 'SiT-S/2', batch: 8, align, headHidden: 2048, precision: 'f32', threads: 1 }),
      );
    expect(flops('ahpa') / flops('none')).toBeCloseTo(1.754, 3);
  });
});

describe.skipIf(missing)('encoder of a benchmark', () => {
  beforeAll(async () => {
    await useTensorFlow();
  });

  it.each(['f32', 'bf16'] as const)('encodes in %s', (precision) => {
    const { parameters, kinds } = encodeWork({
      work: 'encode',
      vae: 'taef2',
      size: 32,
      batch: 1,
      precision,
      threads: 1,
    });
    expect(parameters).toBeGreaterThan(1e6);
    const encode = kinds['encode'] as () => number;
    expect(Number.isFinite(encode())).toBe(true);
    expect(encode()).toBe(encode());
  });
});
