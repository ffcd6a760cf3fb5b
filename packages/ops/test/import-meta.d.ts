/** The one property of a module's meta object that tests read; the package is typed without a host environment. */
interface ImportMeta {
  url: string;
}
