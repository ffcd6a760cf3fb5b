/** A value of a file that is not read: an object of a Python class, which is never made, or data without a counterpart here. */
export class Unread {
  /** A noun phrase that describes the value, such as `pathlib.PosixPath("/", "data")`. */
  readonly what: string;

  constructor(what: string) {
    this.what = what;
  }
}
