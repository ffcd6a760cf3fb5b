/** The text of `configs/base.json`, the configuration that every other one is laid over. */
import { parseTrainConfig } from './parse.ts';

const DESCRIPTION = "Every default, written out: AHPA's training recipe on emoji.";

/** Every default of the schema as a configuration file. */
export function baseConfigJson(): string {
  const base = { $schema: './train.schema.json', ...parseTrainConfig({}), description: DESCRIPTION };
  return `${JSON.stringify(base, null, 2)}\n`;
}
