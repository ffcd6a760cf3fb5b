/** Hugging Face's own cache: content by hash, and a folder of links for each commit. */
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { writeDurably } from '@ahpa/checkpoint';
import { getHFHubCachePath, getRepoFolderName } from '@huggingface/hub';
import type { HubReference } from './reference.ts';

/** Paths of one repository in the cache. */
export interface RepoCache {
  /** Folder of a commit, whose files are links to content. */
  snapshot(commit: string): string;
  /** File of the content with this hash. */
  blob(etag: string): string;
  /** Commit of a revision when it was last fetched. */
  findCommit(revision: string): Promise<string | undefined>;
  /** Records the commit of a revision. */
  remember(revision: string, commit: string): Promise<void>;
}

const COMMIT = /^[0-9a-f]{40}$/;

/** Cache of a repository, in the folder that `HF_HUB_CACHE` or `HF_HOME` sets. */
export function repoCache({ repo }: HubReference): RepoCache {
  const root = join(getHFHubCachePath(), getRepoFolderName({ type: 'model', name: repo }));
  const ref = (revision: string): string => join(root, 'refs', ...revision.split('/'));
  return {
    snapshot: (commit) => join(root, 'snapshots', commit),
    blob: (etag) => join(root, 'blobs', etag),
    findCommit: async (revision) => {
      if (COMMIT.test(revision)) return revision;
      return existsSync(ref(revision)) ? (await readFile(ref(revision), 'utf8')).trim() : undefined;
    },
    remember: async (revision, commit) => {
      if (revision === commit) return;
      await mkdir(dirname(ref(revision)), { recursive: true });
      await writeDurably(ref(revision), [Buffer.from(commit)]);
    },
  };
}

/** Existing files of a snapshot, as paths in the repository. */
export function listSnapshot(snapshot: string): readonly string[] {
  if (!existsSync(snapshot)) return [];
  const entries = readdirSync(snapshot, { recursive: true, withFileTypes: true });
  return entries
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((path) => existsSync(path)) // a link whose content is gone
    .map((path) => relative(snapshot, path).split(sep).join('/'));
}
