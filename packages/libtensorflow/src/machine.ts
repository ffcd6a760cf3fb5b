/** Description of the machine: processor, instruction sets, GPUs, memory and disk. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { availableParallelism, cpus, freemem, totalmem } from 'node:os';
import { dirname } from 'node:path';

/** The processor, and its instruction sets for matrix products. */
export interface Processor {
  readonly model: string;
  /** Cores that this process may use. */
  readonly cores: number;
  readonly features: readonly string[];
  /** Whether products of bfloat16 matrices are computed by instructions made for them. */
  readonly nativeBf16: boolean;
}

/** A GPU as NVIDIA's driver lists it. */
export interface Gpu {
  readonly name: string;
  readonly driver: string;
  readonly computeCapability: string;
}

/** Memory of the machine and disk space of a folder, in bytes. */
export interface Capacity {
  readonly memoryBytes: number;
  readonly freeMemoryBytes: number;
  readonly diskFolder: string;
  readonly freeDiskBytes: number;
}

const FEATURES = ['avx2', 'avx512f', 'avx512_bf16', 'amx_bf16', 'asimd', 'sve', 'bf16'];
const BF16 = new Set(['avx512_bf16', 'amx_bf16', 'bf16']);

function output(command: string, args: readonly string[]): string {
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8', timeout: 10_000 });
  return status === 0 ? stdout : '';
}

/** Instruction sets by Linux's names. */
function instructionSets(): Set<string> {
  if (process.platform === 'darwin') {
    const listed = output('sysctl', ['-a', 'hw.optional']);
    const has = (name: string): boolean => new RegExp(`hw\\.optional\\.${name}: 1`).test(listed);
    const found = {
      avx2: has('avx2_0'),
      avx512f: has('avx512f'),
      asimd: has('AdvSIMD'),
      bf16: has('arm\\.FEAT_BF16'),
    };
    return new Set(Object.entries(found).flatMap(([name, present]) => (present ? [name] : [])));
  }
  const info = existsSync('/proc/cpuinfo') ? readFileSync('/proc/cpuinfo', 'utf8') : '';
  return new Set(/^(?:flags|Features)\s*:(.*)$/m.exec(info)?.[1]?.trim().split(/\s+/));
}

/** Describes the processor. */
export function processor(): Processor {
  const present = instructionSets();
  const features = FEATURES.filter((name) => present.has(name));
  const model = cpus()[0]?.model.trim() || process.arch;
  return {
    model,
    cores: availableParallelism(),
    features,
    nativeBf16: features.some((name) => BF16.has(name)),
  };
}

/** The GPUs that NVIDIA's driver lists; none without a driver. */
export function gpus(): Gpu[] {
  const csv = output('nvidia-smi', ['--query-gpu=name,driver_version,compute_cap', '--format=csv,noheader']);
  return csv
    .split('\n')
    .filter((line) => line.includes(','))
    .map((line) => {
      const [name = '', driver = '', computeCapability = ''] = line.split(',').map((field) => field.trim());
      return { name, driver, computeCapability };
    });
}

/** Memory, and the disk space of `folder` or of its nearest parent that exists. */
export async function capacity(folder: string): Promise<Capacity> {
  let existing = folder;
  while (!existsSync(existing)) existing = dirname(existing);
  const { bavail, bsize } = await statfs(existing);
  return {
    memoryBytes: totalmem(),
    freeMemoryBytes: freemem(),
    diskFolder: folder,
    freeDiskBytes: bavail * bsize,
  };
}
