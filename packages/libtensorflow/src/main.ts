/** The command `libtensorflow`. */
import { parseArgs } from 'node:util';
import { printable } from '@ahpa/messages';
import { setup } from './setup.ts';

const HELP = `Usage: libtensorflow <command>

  setup [--gpu]                        obtain TensorFlow's library for this machine
  doctor [--device cpu|gpu] [--json]   examine the installation and the machine
`;

/** A bar that redraws itself on a terminal; elsewhere a line at each quarter. */
function progressBar(): (stage: string, done: number, total: number) => void {
  const terminal = process.stderr.isTTY;
  const steps = terminal ? 100 : 4;
  let shown = '';
  return (stage, done, total) => {
    const percent = Math.floor((done / total) * steps) * (100 / steps);
    const text = `${stage} ${String(percent).padStart(3)}% of ${(total / 1e6).toFixed(0)} MB`;
    if (text === shown) return;
    shown = text;
    const bar = '#'.repeat(percent * 0.3).padEnd(30, '.');
    process.stderr.write(terminal ? `\r\x1b[2K${bar} ${text}${percent === 100 ? '\n' : ''}` : `${text}\n`);
  };
}

async function runSetup(gpu: boolean): Promise<number> {
  const say = (sentence: string): boolean => process.stderr.write(`${printable(sentence)}\n`);
  const { path, version, source } = await setup({ gpu, say, onProgress: progressBar() });
  process.stdout.write(`TensorFlow ${version ?? ''} (${source}) is at ${path}\n`);
  return 0;
}

async function runDoctor(device: string | undefined, json: boolean): Promise<number> {
  if (device !== undefined && device !== 'cpu' && device !== 'gpu') {
    throw new Error(`--device is "${device}"; it must be cpu or gpu.`);
  }
  const [{ doctor }, { formatDoctor }] = await Promise.all([
    import('./doctor.ts'),
    import('./doctor-format.ts'),
  ]);
  const report = await doctor(device ? { device } : {});
  process.stdout.write(`${json ? JSON.stringify(report, undefined, 2) : formatDoctor(report)}\n`);
  return report.ok ? 0 : 1;
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      gpu: { type: 'boolean', default: false },
      device: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const [command] = positionals;
  if (command === 'setup') return runSetup(values.gpu);
  if (command === 'doctor') return runDoctor(values.device, values.json);
  process.stdout.write(HELP);
  return values.help ? 0 : 1;
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`${printable(error instanceof Error ? error.message : String(error))}\n`);
    process.exitCode = 1;
  },
);
