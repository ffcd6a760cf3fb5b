/** The error of a folder without a valid checkpoint. */

/** A file that was passed over, and why. */
export interface SkippedFile {
  readonly file: string;
  readonly reason: string;
}

/** A folder whose checkpoint files are all invalid, or that has none; `skipped` is every file with its reason, newest first. */
export class NoValidCheckpointError extends Error {
  override readonly name = 'NoValidCheckpointError';
  readonly folder: string;
  readonly skipped: readonly SkippedFile[];

  constructor(folder: string, skipped: readonly SkippedFile[]) {
    const reasons = skipped.map(({ reason }) => `\n  ${reason}`).join('');
    super(
      `loadLatest: no valid checkpoint among the ${skipped.length} in ${folder}; start a new run or restore a file.${reasons}`,
    );
    this.folder = folder;
    this.skipped = skipped;
  }
}
