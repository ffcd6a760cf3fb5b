/** Opens the data of a configuration, of whatever kind. */

import type { Reporter } from '@ahpa/messages';
import type { DataConfig } from '../config/types.ts';
import type { Data } from './data.ts';
import { openCacheData } from './data-cache.ts';
import { openEmoji } from './data-emoji.ts';
import { openImagesData } from './data-images.ts';
import { openRepaData } from './data-repa.ts';

/** Nothing is drawn, decoded or encoded before examples are asked for. */
export async function openData(config: DataConfig, reporter: Reporter): Promise<Data> {
  switch (config.kind) {
    case 'emoji':
      return openEmoji(config, reporter);
    case 'cache':
      return openCacheData(config);
    case 'images':
      return openImagesData(config);
    case 'repa':
      return openRepaData(config);
  }
}
