/**
 * Feeds mutated zip, tar and compressed tar archives to the readers and fails on anything but a refusal that names the archive, or when the
 * process ever takes 256 MB. Node 22.18 or later: node packages/image-data/scripts/fuzz.ts [rounds] [seed] [reader].
 * Earlier: pnpm exec rolldown packages/image-data/scripts/fuzz.ts --platform node -o packages/image-data/dist/fuzz.mjs
 */
import { fuzz, READERS } from '../test/fuzz.ts';

const MOST_MEGABYTES = 256;

const [rounds = '100000', seed = '1', only] = process.argv.slice(2);
for (const name of Object.keys(READERS) as (keyof typeof READERS)[]) {
  if (only !== undefined && only !== name) continue;
  const start = performance.now();
  const { accepted, refused } = await fuzz(name, Number(rounds), Number(seed));
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  const megabytes = Math.round(process.resourceUsage().maxRSS / 1024);
  process.stdout.write(
    `${name}: ${refused} refused, ${accepted} accepted in ${seconds} s, ${megabytes} MB\n`,
  );
  if (megabytes > MOST_MEGABYTES)
    throw new Error(`${name}: ${megabytes} MB, wanted at most ${MOST_MEGABYTES}.`);
}
