/** `ahpa config`: shows the configuration that a command line means. */
import { Command } from 'commander';
import { type ConfigOptions, resolveConfig, withConfig } from './config-options.ts';
import { perform } from './perform.ts';

/** The command. */
export function configCommand(): Command {
  return withConfig(new Command('config'))
    .description('print the resolved configuration')
    .action((options: ConfigOptions, command: Command) =>
      perform(command, async (reporter) => {
        const config = resolveConfig(options, reporter);
        const { json } = command.optsWithGlobals<{ json?: boolean }>();
        if (!json) reporter.print(...JSON.stringify(config, null, 2).split('\n'));
        return config;
      }),
    );
}
