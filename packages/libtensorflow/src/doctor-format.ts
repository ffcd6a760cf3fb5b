/** A doctor's report as text, 80 columns wide. */
import { gigabytes } from './disk.ts';
import type { DoctorReport, Problem } from './doctor.ts';

const WIDTH = 80;
const LABEL = 10;

const speed = (gflops: number): string =>
  gflops >= 1e4 ? `${(gflops / 1e3).toFixed(0)} TFLOP/s` : `${gflops.toFixed(0)} GFLOP/s`;

/** Breaks text at spaces; a word wider than the line, such as a path, gets its own line. */
function wrap(text: string, indent: number): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line && line.length + 1 + word.length > WIDTH - indent) {
      lines.push(line);
      line = word;
    } else {
      line = line ? `${line} ${word}` : word;
    }
  }
  return [...lines, line].join(`\n${' '.repeat(indent)}`);
}

const row = (label: string, text: string): string => `${label.padEnd(LABEL)}${wrap(text, LABEL)}`;

const problemRow = ({ what, fix }: Problem): string => `${row('missing', what)}\n${row('  fix', fix)}`;

function bf16Row({ cpu, gpus, matmul }: DoctorReport): string {
  if (matmul?.device !== 'gpu')
    return cpu.nativeBf16 ? 'native on this CPU' : 'not native on this CPU: float32 is as fast or faster';
  const native = Number(gpus[0]?.computeCapability) >= 8;
  return native ? 'native on this GPU' : 'not native on this GPU (compute capability below 8.0)';
}

/** Formats a report for a terminal of 80 columns. */
export function formatDoctor(report: DoctorReport): string {
  const { ok, node, platform, library, devices, cpu, gpus, matmul, capacity, problems } = report;
  const rows = [
    row('Node', `${node} on ${platform}`),
    row('library', library ? `TensorFlow ${library.version} (${library.source}) ${library.path}` : 'none'),
    row('devices', devices.map(({ name }) => name.replace(/^.*device:/, '')).join(', ') || 'none'),
    row('CPU', `${cpu.model}, ${cpu.cores} cores; ${cpu.features.join(' ') || 'no vector extensions known'}`),
    ...gpus.map(({ name, driver, computeCapability }) =>
      row('GPU', `${name}, driver ${driver}, compute ${computeCapability}`),
    ),
    row('bfloat16', bf16Row(report)),
    ...(matmul
      ? [
          row(
            'matmul',
            `${matmul.size} x ${matmul.size} on the ${matmul.device.toUpperCase()}: ${speed(matmul.float32Gflops)} in float32, ${speed(matmul.bfloat16Gflops)} in bfloat16`,
          ),
        ]
      : []),
    row('memory', `${gigabytes(capacity.freeMemoryBytes)} free of ${gigabytes(capacity.memoryBytes)}`),
    row('disk', `${gigabytes(capacity.freeDiskBytes)} free in ${capacity.diskFolder}`),
    ...problems.map(problemRow),
    ok ? 'All is well.' : 'Not ready: fix what is missing above.',
  ];
  return rows.join('\n');
}
