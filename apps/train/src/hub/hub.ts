/**
 * Models and VAEs of the Hugging Face hub as folders on this machine.
 * name -> commit of the revision -> files that are needed -> cache, checked -> path; without a network, what the cache has.
 */
import { join } from 'node:path';
import { userError } from '@ahpa/messages';
import { HubApiError, listFiles, modelInfo } from '@huggingface/hub';
import type { Reporter } from '../report.ts';
import { filesIn, type RepoCache, repoCache } from './cache.ts';
import { chooseFiles } from './choose.ts';
import { downloadTo, type HubAccess } from './download.ts';
import { type HubReference, parseHub } from './reference.ts';

/** What tells the user of downloads; silent where absent. */
export type HubReporter = Pick<Reporter, 'warn' | 'progress'>;

/** The path of what `place` names; its files are downloaded where the cache lacks them. */
export async function fromHub(place: string, reporter?: HubReporter): Promise<string> {
  const reference = parseHub(place);
  const cache = repoCache(reference);
  if (isOffline()) return fromCache(place, reference, cache, 'HF_HUB_OFFLINE is set');
  const access = accessOf();
  try {
    return await fetchSnapshot(place, reference, cache, access, reporter);
  } catch (error) {
    if (error instanceof HubApiError) throw refusal(place, reference, access, error);
    if (!isNetwork(error)) throw error;
    const cached = await fromCache(place, reference, cache, 'the hub cannot be reached').catch(
      () => undefined,
    );
    if (cached === undefined) throw error;
    reporter?.warn(`The hub cannot be reached: using ${place} as it is in the cache.`);
    return cached;
  }
}

const isOffline = (): boolean => /^(1|true|yes|on)$/i.test(process.env['HF_HUB_OFFLINE'] ?? '');

function accessOf(): HubAccess {
  const { HF_ENDPOINT = 'https://huggingface.co', HF_TOKEN } = process.env;
  if (HF_TOKEN && !HF_TOKEN.startsWith('hf_'))
    throw userError('HF_TOKEN does not begin with hf_, as tokens of the hub do: correct or unset it.');
  return { hubUrl: HF_ENDPOINT.replace(/\/+$/, ''), ...(HF_TOKEN && { accessToken: HF_TOKEN }) };
}

async function fetchSnapshot(
  place: string,
  reference: HubReference,
  cache: RepoCache,
  access: HubAccess,
  reporter?: HubReporter,
): Promise<string> {
  const { repo, path, revision } = reference;
  const { sha: commit } = await modelInfo({ ...access, name: repo, revision, additionalFields: ['sha'] });
  const entries = new Map<string, Parameters<typeof downloadTo>[1]['entry']>();
  for await (const entry of listFiles({ ...access, repo, revision: commit, recursive: true })) {
    if (entry.type === 'file') entries.set(entry.path, entry);
  }
  const chosen = chooseFiles([...entries.keys()], path);
  if (chosen.length === 0) throw withoutWeights(place, [...entries.keys()]);
  for (const name of chosen) {
    const entry = entries.get(name) as NonNullable<ReturnType<typeof entries.get>>;
    const megabytes = (bytes: number): number => Math.ceil(bytes / 1e6);
    let bar: ReturnType<HubReporter['progress']> | undefined;
    await downloadTo(cache, { repo, commit, entry }, access, (done) => {
      bar ??= reporter?.progress(`fetching ${name}, MB`, megabytes(entry.size));
      bar?.update(megabytes(done), undefined);
    });
    bar?.stop();
  }
  await cache.remember(revision, commit);
  return join(cache.snapshot(commit), path);
}

/** What an earlier call left in the cache. Throws where files are missing, with the reason why they cannot be fetched. */
async function fromCache(
  place: string,
  { path, revision }: HubReference,
  cache: RepoCache,
  reason: string,
): Promise<string> {
  const commit = await cache.commitOf(revision);
  const snapshot = cache.snapshot(commit ?? 'none');
  if (commit !== undefined && chooseFiles(filesIn(snapshot), path).length > 0) return join(snapshot, path);
  throw userError(`The cache has no weights of ${place}, and ${reason}: fetch it once with a network.`);
}

function withoutWeights(place: string, files: readonly string[]): Error {
  const some = files.slice(0, 8).join(', ');
  return userError(
    `${place} has no weights under a known name; it has ${some || 'no files'}${files.length > 8 ? ', …' : ''}: name a folder or file in it, as in hf:org/name/vae.`,
  );
}

function refusal(
  place: string,
  { repo, revision }: HubReference,
  { hubUrl }: HubAccess,
  cause: HubApiError,
): Error {
  const { statusCode } = cause;
  if (statusCode === 401 || statusCode === 403) {
    return userError(
      `${place} may not be read (${statusCode}): ${repo} does not exist, is private, or asks for its terms to be accepted; set HF_TOKEN to a token that may read it.`,
      { cause },
    );
  }
  if (statusCode === 404) {
    return userError(`There is no ${repo} with the revision ${revision} on ${hubUrl}: check the name.`, {
      cause,
    });
  }
  return userError(`${hubUrl} answered ${statusCode} for ${place} (${cause.message}): try again later.`, {
    cause,
  });
}

/** `fetch` fails with these words, and keeps the system's error as the cause. */
const isNetwork = (error: unknown): boolean =>
  error instanceof TypeError && /^(fetch failed|terminated)$/.test(error.message);
