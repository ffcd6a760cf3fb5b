/** The JSON schema of configuration files, for editors. */
import { z } from 'zod';
import { fileSchema } from './schema.ts';

/** Text of `configs/train.schema.json`, with the types of input: keys with a default may be absent. */
export function configJsonSchema(): string {
  return `${JSON.stringify(z.toJSONSchema(fileSchema, { io: 'input' }), null, 2)}\n`;
}
