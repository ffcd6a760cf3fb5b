/** Remarks about unusual images and their pixels, in words. */

const PHRASES = {
  'EXIF orientation not applied': 'have an EXIF orientation that is not applied, as in ADM',
  'colour profile not applied': 'have a colour profile that is not applied, as in ADM',
  greyscale: 'are greyscale',
  CMYK: 'are CMYK, converted without a profile, as in ADM',
  '16 bits': 'have 16 bits, cut to 8 as in ADM: greys above 255 are white',
  'alpha dropped': 'are transparent, and their colours are taken without alpha, as in ADM',
  'animated, first frame': 'are animated, and their first frame is taken',
} as const;

/** An unusual property of an image, with its treatment. */
export type Remark = keyof typeof PHRASES;

/** A sentence for each remark, with the number of images it was made of. */
export function describeRemarks(counts: Readonly<Record<string, number>>): string[] {
  return Object.entries(counts).map(([remark, count]) => {
    const phrase = PHRASES[remark as Remark];
    const one = phrase.replace(/^have/, 'has').replace(/^are/, 'is');
    return `${count} ${count === 1 ? `image ${one}` : `images ${phrase}`}.`;
  });
}

/** Adds the remarks of one image to the numbers of images by remark. */
export function countRemarks(counts: Partial<Record<Remark, number>>, remarks: readonly Remark[]): void {
  for (const remark of remarks) counts[remark] = (counts[remark] ?? 0) + 1;
}
