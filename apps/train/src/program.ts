/** The command line. */
import { readFileSync } from 'node:fs';
import { printable } from '@ahpa/messages';
import { Command } from 'commander';
import { benchCommand } from './cli/bench.ts';
import { compareCommand } from './cli/compare.ts';
import { configCommand } from './cli/config.ts';
import { convertCommand } from './cli/convert.ts';
import { demoCommand } from './cli/demo.ts';
import { doctorCommand } from './cli/doctor.ts';
import { emaCommand } from './cli/ema.ts';
import { evaluateCommand } from './cli/evaluate.ts';
import { exportCommand } from './cli/export.ts';
import { extractCommand } from './cli/extract.ts';
import { generateCommand } from './cli/generate.ts';
import { inspectCommand } from './cli/inspect.ts';
import { planCommand } from './cli/plan.ts';
import { probeCommand } from './cli/probe.ts';
import { replayCommand } from './cli/replay.ts';
import { reportCommand } from './cli/report.ts';
import { runCommand } from './cli/run.ts';
import { runsCommand } from './cli/runs.ts';
import { sampleCommand } from './cli/sample.ts';
import { setupCommand } from './cli/setup.ts';
import { sweepCommand } from './cli/sweep.ts';
import { trainCommand } from './cli/train.ts';
import { trainVaeCommand } from './cli/train-vae.ts';
import { variantCommand } from './cli/variant.ts';
import { inPackage } from './files/package-folder.ts';

const { version } = JSON.parse(readFileSync(inPackage('package.json'), 'utf8')) as { version: string };

/** The program `ahpa` with all its commands. */
export function createProgram(): Command {
  const program = new Command('ahpa')
    .description('Adaptive Hierarchical Prior Alignment for diffusion transformers')
    .version(version)
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      outputError: (text, write) => write(`${text.trimEnd().split('\n').map(printable).join('\n')}\n`),
    })
    .option('--json', 'print one JSON document on standard output, and messages on standard error')
    .option('--quiet', 'print warnings and results only')
    .option('--verbose', 'print the stack of an error');
  const commands = [
    setupCommand,
    doctorCommand,
    demoCommand,
    extractCommand,
    planCommand,
    trainCommand,
    runCommand,
    sampleCommand,
    generateCommand,
    emaCommand,
    exportCommand,
    evaluateCommand,
    compareCommand,
    trainVaeCommand,
    variantCommand,
    runsCommand,
    replayCommand,
    sweepCommand,
    reportCommand,
    probeCommand,
    configCommand,
    inspectCommand,
    convertCommand,
    benchCommand,
  ];
  for (const create of commands) {
    program.addCommand(create().copyInheritedSettings(program));
  }
  return program;
}
