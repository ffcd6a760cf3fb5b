/** Building blocks of option schemas. */
export {
  count,
  flag,
  fraction,
  optionalText,
  positive,
  type Resolved,
  section,
  text,
  type Written,
  wholeNumber,
} from './section.ts';
