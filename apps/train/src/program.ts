/** The command line. */
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { benchCommand } from './commands/bench.ts';
import { compareCommand } from './commands/compare.ts';
import { configCommand } from './commands/config.ts';
import { convertCommand } from './commands/convert.ts';
import { demoCommand } from './commands/demo.ts';
import { doctorCommand } from './commands/doctor.ts';
import { emaCommand } from './commands/ema.ts';
import { evaluateCommand } from './commands/evaluate.ts';
import { exportCommand } from './commands/export.ts';
import { extractCommand } from './commands/extract.ts';
import { generateCommand } from './commands/generate.ts';
import { inspectCommand } from './commands/inspect.ts';
import { planCommand } from './commands/plan.ts';
import { probeCommand } from './commands/probe.ts';
import { replayCommand } from './commands/replay.ts';
import { reportCommand } from './commands/report.ts';
import { runCommand } from './commands/run.ts';
import { runsCommand } from './commands/runs.ts';
import { sampleCommand } from './commands/sample.ts';
import { setupCommand } from './commands/setup.ts';
import { sweepCommand } from './commands/sweep.ts';
import { trainCommand } from './commands/train.ts';
import { trainVaeCommand } from './commands/train-vae.ts';
import { variantCommand } from './commands/variant.ts';
import { inPackage } from './package-folder.ts';

const { version } = JSON.parse(readFileSync(inPackage('package.json'), 'utf8')) as { version: string };

/** The program `ahpa` with all its commands. */
export function createProgram(): Command {
  const program = new Command('ahpa')
    .description('Adaptive Hierarchical Prior Alignment for diffusion transformers')
    .version(version)
    .configureHelp({ showGlobalOptions: true })
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
