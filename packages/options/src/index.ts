/** Building blocks of option schemas. */
export {
  count,
  flag,
  fraction,
  LARGEST_SEED,
  optionalText,
  positive,
  type Resolved,
  section,
  seedNumber,
  text,
  type Written,
  wholeNumber,
} from './section.ts';
