/** Errors as one sentence for the user: what happened, where, and the remedy. */

interface SystemError extends Error {
  readonly code?: string;
  readonly path?: string;
  readonly hostname?: string;
  readonly errors?: readonly unknown[];
}

/** An error the user can fix: its message is shown as it is, without a stack. */
export function userError(message: string, options?: ErrorOptions): Error {
  const error = new Error(message, options);
  error.name = 'UserError';
  return error;
}

/** Whether an error is one the user can fix. */
export function isUserError(error: unknown): boolean {
  return error instanceof Error && error.name === 'UserError';
}

const SYSTEM: Readonly<Record<string, (where: string) => string>> = {
  ENOSPC: (where) => `No space is left on the disk${where}: free some space or choose another folder.`,
  EDQUOT: (where) => `Your disk quota is used up${where}: free some space or choose another folder.`,
  EACCES: (where) => `Access is denied${where}: change its permissions or choose another folder.`,
  EPERM: (where) =>
    `The operation is not permitted${where}: change its permissions or choose another folder.`,
  EROFS: (where) => `The file system is read-only${where}: choose a folder that can be written.`,
  ENOENT: (where) => `There is no such file or folder${where}: check the path.`,
  ENOTDIR: (where) => `A file stands where a folder is needed${where}: check the path.`,
  EISDIR: (where) => `A folder stands where a file is needed${where}: check the path.`,
};

const NETWORK: Readonly<Record<string, string>> = {
  ENOTFOUND: 'its name cannot be resolved',
  EAI_AGAIN: 'its name cannot be resolved',
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was cut',
  ETIMEDOUT: 'it did not answer in time',
  UND_ERR_CONNECT_TIMEOUT: 'it did not answer in time',
  UND_ERR_SOCKET: 'the connection was cut',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is not trusted',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is not trusted',
};

const PIP: readonly (readonly [RegExp, string])[] = [
  [
    /no matching distribution found|could not find a version/i,
    'pip found no package for this platform and Python: install a Python version that the package supports, or set PIP_INDEX_URL to an index that has it.',
  ],
  [
    /externally-managed-environment/i,
    'pip may not change the system Python: create a virtual environment and use its Python.',
  ],
  [
    /no module named pip|pip: (command )?not found/i,
    'pip is not installed: install it, for example with python3 -m ensurepip.',
  ],
  [
    /failed to establish a new connection|temporary failure in name resolution|read timed out|max retries exceeded/i,
    'pip cannot reach its package index: check the network, the proxy (HTTPS_PROXY) or PIP_INDEX_URL.',
  ],
];

/** One sentence for any error; by default its message. */
export function explain(error: unknown): string {
  if (isUserError(error)) return (error as Error).message;
  for (const link of chain(error)) {
    const sentence = explainLink(link);
    if (sentence) return sentence;
  }
  const text = error instanceof Error ? error.message : String(error);
  return text.split('\n', 1)[0] || 'An error without a message.';
}

/** The error, its causes, and what a failed connection collected, outermost first. */
function chain(error: unknown): SystemError[] {
  if (!(error instanceof Error)) return [];
  const { cause, errors = [] } = error as SystemError;
  return [error, ...errors.flatMap(chain), ...chain(cause)];
}

function explainLink(error: SystemError): string | undefined {
  const { code = '', path, hostname } = error;
  const system = SYSTEM[code];
  if (system) return system(path === undefined ? '' : ` (${path})`);
  const network = NETWORK[code];
  if (network) {
    const host = hostname === undefined ? 'The server' : `The server ${hostname}`;
    return `${host} cannot be reached, ${network}: check the network or the proxy (HTTPS_PROXY) and try again.`;
  }
  return PIP.find(([pattern]) => pattern.test(error.message))?.[1];
}
