/** HTML in which every value is escaped, unless it is HTML already. */
import { escape as escapeText } from 'html-escaper';

/** Text that is HTML. */
export interface Html {
  readonly text: string;
}

/** Text that its maker vouches for, such as an SVG of the plot library. */
export const trusted = (text: string): Html => ({ text });

/** HTML of a template: strings and numbers in it are escaped, HTML and lists of it stand as they are. */
export function html(parts: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  return trusted(String.raw({ raw: parts }, ...values.map(textOf)));
}

type HtmlValue = string | number | Html | readonly Html[];

function textOf(value: HtmlValue): string {
  if (typeof value !== 'object') return escapeText(`${value}`);
  return 'text' in value ? value.text : value.map(({ text }) => text).join('');
}
