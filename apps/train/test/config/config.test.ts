import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { baseConfigJson } from '../../src/config/base-file.ts';
import { configMarkdown } from '../../src/config/document.ts';
import { configJsonSchema } from '../../src/config/json-schema.ts';
import { layerOf, mergeLayers } from '../../src/config/layers.ts';
import { builtInConfigs, loadConfig } from '../../src/config/load.ts';
import { parseTrainConfig } from '../../src/config/parse.ts';
import { REPA_FLAGS, repaAssignments } from '../../src/config/repa-flags.ts';

const folder = mkdtempSync(join(tmpdir(), 'ahpa-config-'));

function file(name: string, content: unknown): string {
  const path = join(folder, `${name}.json`);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

describe('parseTrainConfig', () => {
  it('fills in every key: the defaults are what base.json writes out', () => {
    const base = JSON.parse(readFileSync(new URL('../../configs/base.json', import.meta.url), 'utf8'));
    const { $schema: _, description, ...written } = base;
    expect(parseTrainConfig({})).toEqual({ description: '', ...written });
    expect(description).not.toBe('');
  });

  it('names an unknown key, its place and the nearest key', () => {
    expect(() => parseTrainConfig({ optim: { learningrate: 1 } })).toThrow(
      'optim: unknown key "learningrate", the nearest is "learningRate"',
    );
    expect(() => parseTrainConfig({ modle: {} })).toThrow('unknown key "modle", the nearest is "model"');
    expect(() => parseTrainConfig({ alignment: { kind: 'none', weight: 1 } })).toThrow(
      'alignment: unknown key "weight", the nearest is "kind"',
    );
  });

  it('says what it wanted and what it got', () => {
    expect(() => parseTrainConfig({ train: { batch: 'x' } })).toThrow('train.batch: wanted number, got "x"');
    expect(() => parseTrainConfig({ model: { size: 'SiT-X/2' } })).toThrow(
      /model\.size: wanted .*SiT-S\/2.*, got "SiT-X\/2"/,
    );
    expect(() => parseTrainConfig({ model: { size: { depth: 2 } } })).toThrow(
      'model.size.hiddenSize: wanted number, got nothing',
    );
    expect(() => parseTrainConfig({ alignment: { kind: 'aphx' } })).toThrow(
      /alignment\.kind: wanted .*'ahpa'.*, got "aphx"/,
    );
    expect(() => parseTrainConfig({ alignment: { kind: 'ahpa', groups: { Fine: ['down.0'] } } })).toThrow(
      'alignment.groups.Fine: wanted lower-case letters',
    );
    expect(() => parseTrainConfig({ sample: { guidanceInterval: [0.7, 0] } })).toThrow(
      'sample.guidanceInterval: wanted the lower end first',
    );
  });

  it('refuses a tap deeper than the model', () => {
    const size = { hiddenSize: 48, depth: 2, heads: 3, patchSize: 1 };
    expect(() => parseTrainConfig({ model: { size, encoderDepth: 3 } })).toThrow(
      "model.encoderDepth: wanted at most the model's depth, 2, got 3",
    );
    expect(() => parseTrainConfig({ model: { size: 'SiT-B/2', encoderDepth: 13 } })).toThrow(
      'depth, 12, got 13',
    );
    expect(parseTrainConfig({ model: { size: 'SiT-B/2', encoderDepth: 12 } }).model.encoderDepth).toBe(12);
  });

  it('refuses parts that do not divide a batch, and averages without one', () => {
    expect(() => parseTrainConfig({ train: { batch: 6, accumulate: 4 } })).toThrow(
      'train.accumulate: wanted a divisor of train.batch, 6, got 4',
    );
    expect(() => parseTrainConfig({ ema: { decay: [] } })).toThrow(
      'wanted at least one decay or relative width',
    );
    expect(() => parseTrainConfig({ ema: { sigmaRel: [0.3] } })).toThrow('ema.sigmaRel.0');
    expect(() => parseTrainConfig({ optim: { schedule: { kind: 'cosine' } } })).toThrow(
      'optim.schedule.until: wanted number, got nothing',
    );
  });

  it('fills in what a group, Muon and a schedule leave out', () => {
    const optim = {
      muon: {},
      groups: [{ match: '*.bias' }],
      schedule: { kind: 'linear', until: 9 },
      maxGradNorm: null,
    };
    expect(parseTrainConfig({ optim }).optim).toMatchObject({
      muon: { momentum: 0.95, match: ['denoiser.blocks.*'] },
      groups: [{ match: '*.bias', learningRate: 1, weightDecay: null }],
      schedule: { kind: 'linear', until: 9, final: 0 },
      maxGradNorm: null,
    });
  });

  it('gives errors that are shown without a stack', () => {
    expect(() => parseTrainConfig(3)).toThrow(expect.objectContaining({ name: 'UserError' }));
  });
});

describe('mergeLayers', () => {
  it('merges objects, replaces everything else', () => {
    expect(mergeLayers({ a: { b: 1, c: [1, 2] }, d: 1 }, { a: { c: [3] } })).toEqual({
      a: { b: 1, c: [3] },
      d: 1,
    });
  });

  it('replaces an object whose kind changes and merges one whose kind stays', () => {
    const lower = { alignment: { kind: 'ahpa', weight: 2 } };
    expect(mergeLayers(lower, { alignment: { kind: 'sra2' } })).toEqual({ alignment: { kind: 'sra2' } });
    expect(mergeLayers(lower, { alignment: { kind: 'ahpa', x: 1 } })).toEqual({
      alignment: { kind: 'ahpa', weight: 2, x: 1 },
    });
  });

  it('replaces groups as a whole', () => {
    const lower = { alignment: { groups: { fine: ['a'], coarse: ['b'] } } };
    const upper = { alignment: { groups: { all: ['a', 'b'] } } };
    expect(mergeLayers(lower, upper)).toEqual(upper);
  });
});

describe('layerOf', () => {
  it('reads JSON values and keeps other text', () => {
    expect(layerOf(['a.b=1e-4', 'a.c=[0,0.7]', 'd=two words', 'e=null', 'f=x=y'])).toEqual({
      a: { b: 1e-4, c: [0, 0.7] },
      d: 'two words',
      e: null,
      f: 'x=y',
    });
  });

  it('gathers assignments below one key', () => {
    expect(layerOf(['alignment.groups.fine=["a"]', 'alignment.groups.coarse=["b"]'])).toEqual({
      alignment: { groups: { fine: ['a'], coarse: ['b'] } },
    });
  });

  it('says how an assignment is written', () => {
    expect(() => layerOf(['optim.learningRate'])).toThrow('--set and --change need key=value');
  });
});

describe('repaAssignments', () => {
  it('are keys of the configuration, over files', () => {
    const given = {
      'batch-size': '64',
      'gradient-accumulation-steps': '4',
      'adam-beta2': '0.95',
      'mixed-precision': 'bf16',
    };
    const flags = { ...given, model: 'SiT-B/2', 'encoder-depth': '4', 'max-grad-norm': '1', prediction: 'v' };
    const config = loadConfig({ names: ['demo'], set: repaAssignments(flags) });
    expect(config.train).toMatchObject({ batch: 256, accumulate: 4, precision: 'bfloat16' });
    expect(config.optim).toMatchObject({ betas: [0.9, 0.95], maxGradNorm: 1, learningRate: 0.001 });
    expect(config.model).toMatchObject({ size: 'SiT-B/2', encoderDepth: 4 });
  });

  it('cover every option of train.py that sets a key', () => {
    const given = Object.fromEntries(
      REPA_FLAGS.map(({ name }) => [name, VALUES[name]]).filter(([, value]) => value),
    );
    const warn = vi.fn();
    const config = loadConfig({ names: [], set: repaAssignments(given) }, warn);
    expect(warn).not.toHaveBeenCalled();
    expect(config.interpolant.path).toBe('cosine');
    expect(config.alignment).toMatchObject({ weight: 0.7 });
    expect(config.model.labelDropout).toBe(0.2);
    expect(config.data).toMatchObject({ size: 32 });
    expect(config.train).toMatchObject({ steps: 9, checkpointEvery: 8, sampleEvery: 7, seed: 6 });
    expect(config.optim).toMatchObject({
      learningRate: 0.5,
      weightDecay: 0.4,
      epsilon: 0.3,
      betas: [0.1, 0.2],
    });
    expect(config.time.sampling).toBe('lognormal');
  });

  it('are refused with a sentence where they have no meaning', () => {
    expect(() => repaAssignments({ 'enc-type': 'dinov2-vit-b' })).toThrow(
      '--enc-type has no meaning here: hidden tokens are aligned with the VAE encoder',
    );
    expect(() => repaAssignments({ 'mixed-precision': 'fp16' })).toThrow('wanted no or bf16');
    expect(() => repaAssignments({ prediction: 'x' })).toThrow('wanted v');
    expect(() => repaAssignments({ 'gradient-accumulation-steps': '2' })).toThrow('needs --batch-size');
  });
});

const VALUES: Readonly<Record<string, string>> = {
  'path-type': 'cosine',
  'proj-coeff': '0.7',
  'cfg-prob': '0.2',
  resolution: '32',
  'max-train-steps': '9',
  'checkpointing-steps': '8',
  'sampling-steps': '7',
  seed: '6',
  'learning-rate': '0.5',
  'adam-weight-decay': '0.4',
  'adam-epsilon': '0.3',
  'adam-beta1': '0.1',
  'adam-beta2': '0.2',
  weighting: 'lognormal',
};

describe('loadConfig', () => {
  it('lets files win over defaults and assignments over files', () => {
    const path = file('layer', { extends: 'base', optim: { learningRate: 3, warmup: 3 } });
    const defaults = parseTrainConfig({}).optim;
    expect(loadConfig({ names: [], set: [] }).optim).toEqual(defaults);
    expect(loadConfig({ names: [path], set: [] }).optim).toEqual({ ...defaults, learningRate: 3, warmup: 3 });
    expect(loadConfig({ names: [path], set: ['optim.warmup=4'] }).optim).toEqual({
      ...defaults,
      learningRate: 3,
      warmup: 4,
    });
  });

  it('lets later files win, and loads what both extend only once', () => {
    const config = loadConfig({ names: ['demo', 'none'], set: [] });
    expect(config.alignment).toEqual({ kind: 'none' });
    expect(config.model).toEqual(loadConfig({ names: ['demo'], set: [] }).model);
  });

  it('takes assignments in any order when they change a kind', () => {
    for (const set of [
      ['alignment.weight=2', 'alignment.kind=sra2'],
      ['alignment.kind=sra2', 'alignment.weight=2'],
    ]) {
      expect(loadConfig({ names: [], set }).alignment).toMatchObject({ kind: 'sra2', weight: 2 });
    }
  });

  it('resolves a parent beside the file that extends it', () => {
    file('parent', { train: { seed: 7 } });
    const child = file('child', { extends: 'parent.json', train: { batch: 7 } });
    expect(loadConfig({ names: [child], set: [] }).train).toMatchObject({ seed: 7, batch: 7 });
  });

  it('reads back a resolved configuration unchanged', () => {
    const config = loadConfig({ names: ['tiny'], set: ['alignment.groups={"all":["latent"]}'] });
    expect(loadConfig({ names: [file('resolved', config)], set: [] })).toEqual(config);
  });

  it('reads YAML as the same values', () => {
    const path = join(folder, 'plain.yaml');
    const lines = [
      'extends: base',
      'optim: { learningRate: 1e-3, betas: &b [0.9, 0.95] }',
      'train:',
      '  seed: 7 # why not',
    ];
    writeFileSync(path, lines.join('\n'));
    const config = loadConfig({ names: [path], set: [] });
    expect(config.optim).toMatchObject({ learningRate: 1e-3, betas: [0.9, 0.95] });
    expect(config.train.seed).toBe(7);
  });

  it('refuses YAML with tags, duplicate keys or aliases that multiply', () => {
    const bad = (text: string) => {
      const path = join(folder, 'bad.yml');
      writeFileSync(path, text);
      return () => loadConfig({ names: [path], set: [] });
    };
    expect(bad('train: !!js/function "x"')).toThrow(/bad\.yml is not YAML \(.*tag/);
    expect(bad('train: {}\ntrain: {}')).toThrow(/is not YAML \(.*unique/);
    expect(bad('- 1')).toThrow('holds no YAML object');
    const levels = Array.from({ length: 9 }, (_, i) => `l${i + 1}: &l${i + 1} [${Array(9).fill(`*l${i}`)}]`);
    expect(bad(['l0: &l0 [x]', ...levels].join('\n'))).toThrow(/is not YAML \(.*alias/i);
  });

  it('names what is wrong with a file', () => {
    const self = file('self', { extends: 'self.json' });
    expect(() => loadConfig({ names: [self], set: [] })).toThrow('extends itself');
    expect(() => loadConfig({ names: [file('broken', '{"a":')], set: [] })).toThrow(
      /broken\.json is not JSON/,
    );
    expect(() => loadConfig({ names: [file('list', [])], set: [] })).toThrow('holds no JSON object');
    expect(() => loadConfig({ names: ['dmeo'], set: [] })).toThrow('the nearest is "demo"');
  });
});

describe('the configurations that are shipped', () => {
  it.each(builtInConfigs())('%s is valid, described and under the present names of keys', (name) => {
    const warn = vi.fn();
    const config = loadConfig({ names: [name], set: [] }, warn);
    expect(config.description.length).toBeGreaterThan(20);
    expect(warn).not.toHaveBeenCalled();
  });

  it('have an up-to-date base (vitest -u writes it)', async () => {
    await expect(baseConfigJson()).toMatchFileSnapshot('../../configs/base.json');
  });

  it('have an up-to-date schema (vitest -u writes it)', async () => {
    await expect(configJsonSchema()).toMatchFileSnapshot('../../configs/train.schema.json');
  });

  it('have an up-to-date document (vitest -u writes it)', async () => {
    await expect(configMarkdown()).toMatchFileSnapshot('../../../../docs/config.md');
  });

  it('have a description with a source or a unit for every key', () => {
    interface Node {
      readonly description?: string;
      readonly properties?: Readonly<Record<string, Node>>;
      readonly anyOf?: readonly Node[];
      readonly oneOf?: readonly Node[];
    }
    const undescribed: string[] = [];
    const walk = (node: Node, path: string): void => {
      for (const { properties = {} } of [node, ...(node.anyOf ?? node.oneOf ?? [])]) {
        for (const [key, value] of Object.entries(properties)) {
          if (!value.description) undescribed.push(`${path}${key}`);
          walk(value, `${path}${key}.`);
        }
      }
    };
    walk(JSON.parse(configJsonSchema()), '');
    expect(undescribed).toEqual([]);
  });
});

describe('alignment', () => {
  const parsed = (alignment: object) => parseTrainConfig({ model: { size: 'SiT-B/2' }, alignment }).alignment;

  it('refuses what does not go together', () => {
    const ahpa = (rest: object) => () => parsed({ kind: 'ahpa', router: { kind: 'learned' }, ...rest });
    expect(ahpa({ mix: 'target', distance: 'l2' })).toThrow('alignment.distance: wanted "cosine"');
    expect(ahpa({ mix: 'target', depths: { fine: [2] } })).toThrow('alignment.depths: wanted none');
    expect(ahpa({ mix: 'gate', router: { kind: 'measured' } })).toThrow(
      'alignment.router: wanted a learned one',
    );
    expect(ahpa({ mix: 'target', router: { kind: 'learned', train: 'normalized' } })).toThrow(
      'alignment.router.train: wanted "direct"',
    );
    expect(ahpa({ groups: { total: ['latent'] } })).toThrow('wanted another name than "total"');
    expect(ahpa({ depths: { fine: [13] } })).toThrow(
      "alignment.depths.fine: wanted at most the model's depth, 12",
    );
    expect(() => parsed({ kind: 'sra', teacherDepth: 13 })).toThrow('alignment.teacherDepth: wanted at most');
    expect(() => parsed({ kind: 'haste', attention: { blocks: [12] } })).toThrow('got 13');
    expect(() => parsed({ kind: 'irepa', head: { kind: 'conv', kernal: 3 } })).toThrow(
      'alignment.head: unknown key "kernal", the nearest is "kernel"',
    );
  });

  it('has the published numbers of each kind', () => {
    expect(parsed({ kind: 'repa' })).toMatchObject({
      weight: 0.5,
      head: { kind: 'mlp', hidden: 2048, layers: 3 },
    });
    expect(parsed({ kind: 'irepa' })).toMatchObject({
      weight: 1,
      gamma: 0.6,
      head: { kind: 'conv', kernel: 3 },
    });
    expect(parsed({ kind: 'sra' })).toMatchObject({ weight: 0.2, interval: 0.2, teacherDepth: 8 });
    expect(parsed({ kind: 'sra2' })).toMatchObject({ weight: 1, head: { hidden: null, layers: 5 } });
    expect(parsed({ kind: 'haste' })).toMatchObject({
      weight: 0.5,
      attention: { weight: 0.5, blocks: [4, 5, 6, 7] },
    });
  });
});
