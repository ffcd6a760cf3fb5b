/** Errors that the user can mend: one sentence that says what, where and what to do. */

/** An error whose message is shown as it is, without a stack: its name is `UserError`. */
export function userError(message: string, options?: ErrorOptions): Error {
  const error = new Error(message, options);
  error.name = 'UserError';
  return error;
}
