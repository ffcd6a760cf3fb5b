/** Building blocks of option schemas. */
export { count, fraction, positive, section } from './section.ts';
