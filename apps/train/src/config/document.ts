/** The text of `docs/config.md`: every key of a configuration, from the schema. */
import { z } from 'zod';
import { configSchema } from './schema.ts';

/** The parts of a JSON schema that the document shows. */
interface Node {
  readonly description?: string;
  readonly default?: unknown;
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly items?: Node;
  readonly prefixItems?: readonly Node[];
  readonly anyOf?: readonly Node[];
  readonly oneOf?: readonly Node[];
  readonly properties?: Readonly<Record<string, Node>>;
}

const HEAD = `# Configuration

Every key, with its type, its default and the default's source. A configuration is laid over \`base\`, which writes
out every default: defaults < files, later ones over earlier ones < options of the command line. \`ahpa config\` prints the
result. Files are JSON or YAML; \`configs/train.schema.json\` is their schema for editors. An object whose \`kind\` changes is
replaced whole, and \`--set key={...}\` gives the whole value of a key. Keys under an old name are still read, with a line that gives the present one.

This file, \`configs/base.json\` and \`configs/train.schema.json\` are generated from the schema in \`apps/train/src/config\`; a test
compares them (\`vitest -u\` writes them).
`;

/** Text of the document: one section for each top-level key. */
export function configMarkdown(): string {
  const { properties = {} } = z.toJSONSchema(configSchema, { io: 'input' }) as Node;
  const sections = Object.entries(properties).map(([key, node]) => {
    const lines = children(node).flatMap((child) => keysOf(child, key, 0));
    const own = lines.length === 0 ? bullet(node, key, 0) : [node.description ?? ''];
    return [`## ${key}`, '', ...own, ...(lines.length === 0 ? [] : ['', ...lines])].join('\n');
  });
  return `${HEAD}\n${sections.join('\n\n')}\n`;
}

/** Object schemas among the alternatives of a value. */
function children({ anyOf, oneOf, items, ...node }: Node): Node[] {
  if (node.properties !== undefined) return [node];
  return [...(anyOf ?? oneOf ?? []), ...(items === undefined ? [] : [items])].flatMap(children);
}

/** The keys of an object as a list; below the line of its kind where it has one. */
function keysOf({ properties = {} }: Node, path: string, depth: number): string[] {
  const { kind, ...rest } = properties;
  const fixed = kind?.const !== undefined;
  const head = fixed
    ? [`${indent(depth)}- \`${path}.kind\` = ${code(kind.const)}. ${kind.description ?? ''}`]
    : kind === undefined
      ? []
      : bullet(kind, `${path}.kind`, depth);
  const inner = fixed ? depth + 1 : depth;
  const lines = Object.entries(rest).flatMap(([key, node]) => {
    const here = `${path}.${key}`;
    return [
      ...bullet(node, here, inner),
      ...children(node).flatMap((child) => keysOf(child, here, inner + 1)),
    ];
  });
  return [...head, ...lines];
}

function bullet(node: Node, path: string, depth: number): string[] {
  const fallback =
    node.default === undefined || children(node).length > 0 ? [] : [`default ${code(node.default)}`];
  const about = [kindOf(node), ...fallback].filter((part) => part !== '').join(', ');
  return [`${indent(depth)}- \`${path}\`${about === '' ? '' : ` (${about})`}: ${node.description ?? ''}`];
}

/** Type of a value in words. */
function kindOf(node: Node): string {
  const { type, enum: choices, anyOf, oneOf, items, prefixItems } = node;
  if (node.const !== undefined) return code(node.const);
  if (choices !== undefined) return choices.map(code).join(' | ');
  const branches = (anyOf ?? oneOf)?.filter(({ properties }) => properties === undefined);
  if (branches !== undefined) return branches.map(kindOf).filter(Boolean).join(' or ');
  if (prefixItems !== undefined) return `${prefixItems.length} numbers`;
  if (items !== undefined) return children(items).length > 0 ? 'list of objects' : `list of ${kindOf(items)}`;
  return [type ?? '']
    .flat()
    .filter((name) => name !== 'object')
    .join(' or ');
}

const code = (value: unknown): string => `\`${JSON.stringify(value)}\``;
const indent = (depth: number): string => '  '.repeat(depth);
