/**
 * Models and VAEs of the Hugging Face hub as folders on this machine.
 * name -> commit of the revision -> required files -> cache, verified -> path; without a network, the files in the cache.
 */
import { join } from 'node:path';
import { type Progress, type Reporter, silent, userError } from '@ahpa/messages';
import { HubApiError, type ListFileEntry, listFiles, modelInfo } from '@huggingface/hub';
import { listSnapshot, type RepoCache, repoCache } from './cache.ts';
import { chooseFiles } from './choose-files.ts';
import { downloadTo, type HubAccess, type HubFile } from './download.ts';
import { type HubReference, parseHub } from './reference.ts';

/**
 * Local path of `hf:org/name[/path][@revision]`, its files downloaded where the cache lacks them.
 * @throws Error where the name has another form, the repository has no known weights or may not be read, or a download fails
 */
export async function fetchFromHub(place: string, reporter: Reporter = silent): Promise<string> {
  const reference = parseHub(place);
  const cache = repoCache(reference);
  if (isOffline()) return findInCache(place, reference, cache, 'HF_HUB_OFFLINE is set');
  const access = readAccess();
  try {
    return await fetchSnapshot(place, reference, cache, access, reporter);
  } catch (error) {
    if (error instanceof HubApiError) throw refusal(place, reference, access, error);
    if (!isNetworkError(error)) throw error;
    const cached = await findInCache(place, reference, cache, 'the hub cannot be reached').catch(
      () => undefined,
    );
    if (cached === undefined) throw error;
    reporter.warn(`The hub cannot be reached: using ${place} as it is in the cache.`);
    return cached;
  }
}

const isOffline = (): boolean => /^(1|true|yes|on)$/i.test(process.env['HF_HUB_OFFLINE'] ?? '');

function readAccess(): HubAccess {
  const { HF_ENDPOINT = 'https://huggingface.co', HF_TOKEN } = process.env;
  if (HF_TOKEN && !HF_TOKEN.startsWith('hf_'))
    throw userError('HF_TOKEN does not begin with hf_, as tokens of the hub do: correct or unset it.');
  return { hubUrl: HF_ENDPOINT.replace(/\/+$/, ''), ...(HF_TOKEN && { accessToken: HF_TOKEN }) };
}

async function fetchSnapshot(
  place: string,
  { repo, path, revision }: HubReference,
  cache: RepoCache,
  access: HubAccess,
  reporter: Reporter,
): Promise<string> {
  const { sha: commit } = await modelInfo({ ...access, name: repo, revision, additionalFields: ['sha'] });
  const entries = new Map<string, ListFileEntry>();
  for await (const entry of listFiles({ ...access, repo, revision: commit, recursive: true })) {
    if (entry.type === 'file') entries.set(entry.path, entry);
  }
  const chosen = chooseFiles([...entries.keys()], path);
  if (chosen.length === 0) throw withoutWeights(place, [...entries.keys()]);
  for (const name of chosen) {
    await fetchFile(cache, { repo, commit, entry: entries.get(name) as ListFileEntry }, access, reporter);
  }
  await cache.remember(revision, commit);
  return join(cache.snapshot(commit), path);
}

const megabytes = (bytes: number): number => Math.ceil(bytes / 1e6);

/** Download of one file, with a bar once its first bytes arrive. */
async function fetchFile(
  cache: RepoCache,
  file: HubFile,
  access: HubAccess,
  reporter: Reporter,
): Promise<void> {
  const { path, size } = file.entry;
  let bar: Progress | undefined;
  await downloadTo(cache, file, access, (done) => {
    bar ??= reporter.progress(`fetching ${path}, MB`, megabytes(size));
    bar.update(megabytes(done), undefined);
  });
  bar?.stop();
}

/**
 * Path of earlier downloads in the cache.
 * @throws Error where files are missing, with the reason why they cannot be fetched
 */
async function findInCache(
  place: string,
  { path, revision }: HubReference,
  cache: RepoCache,
  reason: string,
): Promise<string> {
  const commit = await cache.findCommit(revision);
  const snapshot = cache.snapshot(commit ?? 'none');
  if (commit !== undefined && chooseFiles(listSnapshot(snapshot), path).length > 0)
    return join(snapshot, path);
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

/** Whether `fetch`, or a body it was reading, failed for the network: a TypeError caused by the connection's error. */
const isNetworkError = (error: unknown): boolean =>
  error instanceof TypeError && error.cause instanceof Error && !(error.cause instanceof TypeError);
