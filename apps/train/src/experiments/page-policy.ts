/** Content policy of the report page: nothing is loaded, and no script runs but the one that reloads a served page. */
import { createHash } from 'node:crypto';

/** Loads the page again when its version has changed. */
export const RELOAD = `
let seen;
setInterval(async () => {
  const version = await (await fetch('/version')).text();
  if (seen !== undefined && seen !== version) location.reload();
  seen = version;
}, 2000);
`;

/** The policy, as the meta element of the page and the header of the server. */
export const POLICY = [
  "default-src 'none'",
  'img-src data:',
  "style-src 'unsafe-inline'",
  `script-src 'sha256-${createHash('sha256').update(RELOAD).digest('base64')}'`,
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');
