import { describe, expect, it, vi } from 'vitest';
import { defaultCacheDir } from '../../src/files/cache-folder.ts';

describe('defaultCacheDir', () => {
  it('is $AHPA_CACHE where set, else the user cache folder', () => {
    vi.stubEnv('AHPA_CACHE', '/somewhere');
    expect(defaultCacheDir()).toBe('/somewhere');
    vi.stubEnv('AHPA_CACHE', '');
    expect(defaultCacheDir()).toMatch(/ahpa/);
    vi.unstubAllEnvs();
  });
});
