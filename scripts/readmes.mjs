/** The fenced blocks of READMEs, and the programs that they form. */
import { fromMarkdown } from 'mdast-util-from-markdown';
import { parse } from 'shell-quote';

const codeOf = (node) => (node.type === 'code' ? [node] : (node.children ?? []).flatMap(codeOf));

/** The fenced blocks of a Markdown text: language (`sh` where none is named), text, and the line they start at. */
export function readBlocks(markdown) {
  return codeOf(fromMarkdown(markdown)).map(({ lang, value, position }) => ({
    lang: lang ?? 'sh',
    text: value,
    line: position.start.line,
  }));
}

/** The program that all `js` blocks of a README form together; empty where there is none. */
export const programOf = (markdown) =>
  readBlocks(markdown)
    .filter(({ lang }) => lang === 'js')
    .map(({ text }) => `${text}\n`)
    .join('\n');

/** The commands of a `sh` block, each as its words: comments left out, continued lines joined, variables kept as written. */
export function commandsOf(text) {
  return text
    .replaceAll('\\\n', ' ')
    .split('\n')
    .map((line) => parse(line, (name) => `$${name}`).filter((word) => word.comment === undefined))
    .map((words) => words.map((word) => (typeof word === 'string' ? word : (word.pattern ?? word.op))))
    .filter((words) => words.length > 0);
}

/** Packages of the `npm install` lines of a README, without options. */
export const installedBy = (markdown) =>
  readBlocks(markdown)
    .filter(({ lang }) => lang === 'sh')
    .flatMap(({ text }) => commandsOf(text))
    .filter(([command, verb]) => command === 'npm' && verb === 'install')
    .flatMap((words) => words.slice(2))
    .filter((word) => !word.startsWith('-'));
