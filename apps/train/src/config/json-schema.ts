/** The JSON schema of configuration files, for editors. */
import { z } from 'zod';
import { fileSchema } from './schema.ts';

/** The text of `configs/train.schema.json`. */
export function configJsonSchema(): string {
  return `${JSON.stringify(z.toJSONSchema(fileSchema, { io: 'input' }), null, 2)}\n`;
}
