/**
 * Feeds mutated files to every reader of this package and fails on anything but a refusal in one sentence, or when the
 * process ever takes 256 MB. Node 22.18 or later: node packages/weight-files/scripts/fuzz.ts [rounds] [seed] [reader].
 * Earlier: pnpm exec rolldown packages/weight-files/scripts/fuzz.ts --platform node -o packages/weight-files/dist/fuzz.mjs
 */
import { fuzz, type Reader, readers } from '../test/fuzz.ts';

const MOST_MEGABYTES = 256;

const [rounds = '100000', seed = '1', only] = process.argv.slice(2);
for (const [name, reader] of Object.entries(await readers(new URL('../test/golden/', import.meta.url)))) {
  if (only !== undefined && only !== name) continue;
  const start = performance.now();
  const { accepted, refused } = await fuzz(reader as Reader, Number(rounds), Number(seed));
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  const megabytes = Math.round(process.resourceUsage().maxRSS / 1024);
  process.stdout.write(
    `${name}: ${refused} refused, ${accepted} accepted in ${seconds} s, ${megabytes} MB\n`,
  );
  if (megabytes > MOST_MEGABYTES)
    throw new Error(`${name}: ${megabytes} MB, wanted at most ${MOST_MEGABYTES}.`);
}
