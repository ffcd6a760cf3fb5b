/** `ahpa variant`: packages that others train from. */
import { Command } from 'commander';
import { perform } from './perform.ts';

/** The command. */
export function variantCommand(): Command {
  const create = new Command('new')
    .description('write a package with a configuration, a loss of your own and a card')
    .argument('<name>', 'name of the package, as npm takes it')
    .option('--dir <folder>', 'folder to make (default: the name without its scope)')
    .action((name: string, { dir }: { readonly dir?: string }, command: Command) =>
      perform(command, async (reporter) => {
        const { scaffoldVariant } = await import('../experiments/variant.ts');
        const folder = await scaffoldVariant(name, dir);
        reporter.print(`${folder} is a variant: fill in its card, then npm publish it.`);
        reporter.print(`Try it with: ahpa train --config demo ${folder}/config.json`);
        return { folder };
      }),
    );
  return new Command('variant')
    .description('packages of variants, for others to train from')
    .addCommand(create);
}
